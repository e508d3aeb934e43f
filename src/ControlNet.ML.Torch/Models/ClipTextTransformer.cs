using ControlNet.ML.Configuration;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>Token and position embeddings, causal transformer layers, final norm; the names are those of the checkpoints.</summary>
internal sealed class ClipTextTransformer : Module
{
    public readonly ClipEmbeddings embeddings;
    public readonly ClipLayers encoder;
    public readonly LayerNorm final_layer_norm;

    public ClipTextTransformer(ClipTextConfig config)
        : base(nameof(ClipTextTransformer))
    {
        embeddings = new ClipEmbeddings(config);
        encoder = new ClipLayers(config);
        final_layer_norm = new LayerNorm(config.HiddenSize, config.LayerNormEps);
        RegisterComponents();
    }

    /// <param name="ids">[N, tokens] int64.</param>
    /// <returns>Embeddings, then the output of each layer.</returns>
    public List<Tensor> HiddenStates(Tensor ids)
    {
        List<Tensor> states = [embeddings.forward(ids)];
        foreach (var layer in encoder.layers)
            states.Add(layer.forward(states[^1]));
        return states;
    }
}

internal sealed class ClipEmbeddings : Module<Tensor, Tensor>
{
    public readonly Embedding token_embedding;
    public readonly Embedding position_embedding;

    public ClipEmbeddings(ClipTextConfig config)
        : base(nameof(ClipEmbeddings))
    {
        token_embedding = new Embedding(config.VocabSize, config.HiddenSize);
        position_embedding = new Embedding(config.MaxPositionEmbeddings, config.HiddenSize);
        RegisterComponents();
    }

    public override Tensor forward(Tensor ids) =>
        token_embedding.forward(ids).Plus(position_embedding.weight.narrow(0, 0, ids.shape[1]));
}

internal sealed class ClipLayers : Module
{
    public readonly ModuleList<ClipLayer> layers;

    public ClipLayers(ClipTextConfig config)
        : base(nameof(ClipLayers))
    {
        layers = new([.. Enumerable.Range(0, config.NumHiddenLayers).Select(_ => new ClipLayer(config))]);
        RegisterComponents();
    }
}

/// <summary>Causal self-attention and a two-layer MLP, each after a layer norm and added to its input.</summary>
internal sealed class ClipLayer : Module<Tensor, Tensor>
{
    public readonly ClipAttention self_attn;
    public readonly LayerNorm layer_norm1;
    public readonly ClipMlp mlp;
    public readonly LayerNorm layer_norm2;

    public ClipLayer(ClipTextConfig config)
        : base(nameof(ClipLayer))
    {
        self_attn = new ClipAttention(config);
        layer_norm1 = new LayerNorm(config.HiddenSize, config.LayerNormEps);
        mlp = new ClipMlp(config);
        layer_norm2 = new LayerNorm(config.HiddenSize, config.LayerNormEps);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = self_attn.forward(layer_norm1.forward(x)).PlusInPlace(x);
        return mlp.forward(layer_norm2.forward(x)).PlusInPlace(x).MoveToOuterDisposeScope();
    }
}

internal sealed class ClipAttention : Module<Tensor, Tensor>
{
    public readonly Linear q_proj;
    public readonly Linear k_proj;
    public readonly Linear v_proj;
    public readonly Linear out_proj;
    private readonly long _heads;

    public ClipAttention(ClipTextConfig config)
        : base(nameof(ClipAttention))
    {
        _heads = config.NumAttentionHeads;
        q_proj = new Linear(config.HiddenSize, config.HiddenSize);
        k_proj = new Linear(config.HiddenSize, config.HiddenSize);
        v_proj = new Linear(config.HiddenSize, config.HiddenSize);
        out_proj = new Linear(config.HiddenSize, config.HiddenSize);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        var mixed = Operations.Attend(
            Split(q_proj.forward(x)), Split(k_proj.forward(x)), Split(v_proj.forward(x)), causal: true);
        return out_proj.forward(mixed.transpose(1, 2).flatten(2));
    }

    private Tensor Split(Tensor x) => x.view(x.shape[0], x.shape[1], _heads, -1).transpose(1, 2);
}

internal sealed class ClipMlp : Module<Tensor, Tensor>
{
    public readonly Linear fc1;
    public readonly Linear fc2;
    private readonly string _activation;

    public ClipMlp(ClipTextConfig config)
        : base(nameof(ClipMlp))
    {
        _activation = config.HiddenAct;
        fc1 = new Linear(config.HiddenSize, config.IntermediateSize);
        fc2 = new Linear(config.IntermediateSize, config.HiddenSize);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        var hidden = fc1.forward(x);
        return fc2.forward(_activation == "quick_gelu" ? hidden * hidden.Times(1.702).sigmoid() : functional.gelu(hidden));
    }
}
