using System.Globalization;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Onnx;

/// <summary>
/// CLIP's text transformer (CLIPTextModel, CLIPTextModelWithProjection): <c>input_ids</c> to the outputs of optimum's exporter, and every
/// hidden state, which optimum only exports for SDXL: clip skip needs them.
/// </summary>
internal static class ClipTextGraph
{
    private const string Batch = "batch_size", Tokens = "sequence_length";

    /// <param name="config">The configuration.</param>
    /// <param name="precision">The types of weights and computation.</param>
    public static NetworkGraph Build(ClipTextConfig config, GraphPrecision precision)
    {
        var graph = new GraphBuilder("clip_text", precision);
        var ids = graph.Input(GraphNames.Ids, OnnxFields.Int64, Batch, Tokens);
        List<GraphValue> states = [Embed(graph, config, ids)];
        var mask = CausalMask(graph, ids);
        for (var layer = 0; layer < config.NumHiddenLayers; layer++)
            states.Add(Layer(graph, config, Text($"text_model.encoder.layers.{layer}"), states[^1], mask));
        var last = graph.LayerNorm("text_model.final_layer_norm", states[^1], config.HiddenSize, config.LayerNormEps);
        var pooled = graph.Node("GatherND", [last, EndPositions(graph, config, ids)], GraphAttribute.Of("batch_dims", 1L));

        if (config.HasProjection)
        {
            graph.Output(
                GraphNames.PooledText, graph.Linear("text_projection", pooled, config.HiddenSize, config.ProjectionDim, hasBias: false),
                Batch, config.ProjectionDim);
            graph.Output(GraphNames.LastHiddenState, last, Batch, Tokens, config.HiddenSize);
        }
        else
        {
            graph.Output(GraphNames.LastHiddenState, last, Batch, Tokens, config.HiddenSize);
            graph.Output(GraphNames.PooledOutput, pooled, Batch, config.HiddenSize);
        }

        for (var i = 0; i < states.Count; i++)
            graph.Output(Text($"{GraphNames.HiddenStates}{i}"), states[i], Batch, Tokens, config.HiddenSize);
        return graph.Build();
    }

    private static GraphValue Embed(GraphBuilder graph, ClipTextConfig config, GraphValue ids)
    {
        const string at = "text_model.embeddings";
        var tokens = graph.Node(
            "Gather", [graph.Parameter(at + ".token_embedding.weight", [config.VocabSize, config.HiddenSize]), ids]);
        var positions = graph.Parameter(at + ".position_embedding.weight", [config.MaxPositionEmbeddings, config.HiddenSize]);
        return graph.Add(
            tokens, graph.Node("Slice", [positions, graph.Integers(0), graph.Shape(ids, 1, 2), graph.Integers(0)]));
    }

    /// <summary>[tokens, tokens]: 0 on and below the diagonal, minus infinity above.</summary>
    private static GraphValue CausalMask(GraphBuilder graph, GraphValue ids)
    {
        var length = graph.Shape(ids, 1, 2);
        var hidden = graph.Node(
            "ConstantOfShape", [graph.Concat(0, length, length)],
            GraphAttribute.Of("value", GraphConstant.Of("value", [float.NegativeInfinity], 1)));
        return graph.ToCompute(graph.Node("Trilu", [hidden, graph.Integer(1)], GraphAttribute.Of("upper", 1L)));
    }

    /// <summary>
    /// The end of each row's text, [N, 1]: its first end-of-text token. Published configurations say eos 2, which is wrong for the
    /// tokenizer; then it is the row's highest id, as in transformers.
    /// </summary>
    private static GraphValue EndPositions(GraphBuilder graph, ClipTextConfig config, GraphValue ids)
    {
        var marked = config.EosTokenId == 2 ? ids : graph.Node("Equal", [ids, graph.Integer(config.EosTokenId)]);
        return graph.Node("ArgMax", [graph.Cast(marked, OnnxFields.Int32)], GraphAttribute.Of("axis", 1L));
    }

    private static GraphValue Layer(GraphBuilder graph, ClipTextConfig config, string at, GraphValue x, GraphValue mask)
    {
        int width = config.HiddenSize, inner = config.IntermediateSize;
        var normed = graph.LayerNorm(at + ".layer_norm1", x, width, config.LayerNormEps);
        var mixed = graph.Attend(Project("q"), Project("k"), Project("v"), config.NumAttentionHeads, width, mask);
        x = graph.Add(graph.Linear(at + ".self_attn.out_proj", mixed, width, width), x);

        var hidden = graph.Linear(at + ".mlp.fc1", graph.LayerNorm(at + ".layer_norm2", x, width, config.LayerNormEps), width, inner);
        hidden = config.HiddenAct == "quick_gelu" ? graph.QuickGelu(hidden) : graph.Gelu(hidden);
        return graph.Add(graph.Linear(at + ".mlp.fc2", hidden, inner, width), x);

        GraphValue Project(string which) => graph.Linear($"{at}.self_attn.{which}_proj", normed, width, width);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
