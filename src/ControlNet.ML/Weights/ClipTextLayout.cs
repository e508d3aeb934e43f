using System.Globalization;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>
/// The tensors of the CLIP text encoder. Checkpoints with OpenAI's CLIP (SD1, SDXL's first encoder) store them under transformers' own
/// names with a prefix; OpenCLIP's fused projections are another layout.
/// </summary>
internal static class ClipTextLayout
{
    public static IReadOnlyList<TensorLayout> Of(ClipTextConfig config, string prefix)
    {
        var layout = new LayoutBuilder();
        var root = Place.Root(prefix);
        var model = root.At("text_model");
        long width = config.HiddenSize;
        layout.Embedding(model.At("embeddings.token_embedding"), config.VocabSize, width);
        layout.Embedding(model.At("embeddings.position_embedding"), config.MaxPositionEmbeddings, width);
        for (var i = 0; i < config.NumHiddenLayers; i++)
        {
            var layer = model.At(string.Create(CultureInfo.InvariantCulture, $"encoder.layers.{i}"));
            foreach (var name in (ReadOnlySpan<string>)["k_proj", "v_proj", "q_proj", "out_proj"])
                layout.Linear(layer.At("self_attn").At(name), width, width);
            layout.Normalisation(layer.At("layer_norm1"), width);
            layout.Linear(layer.At("mlp.fc1"), config.IntermediateSize, width);
            layout.Linear(layer.At("mlp.fc2"), width, config.IntermediateSize);
            layout.Normalisation(layer.At("layer_norm2"), width);
        }

        layout.Normalisation(model.At("final_layer_norm"), width);
        if (config.HasProjection)
            layout.LinearWithoutBias(root.At("text_projection"), config.ProjectionDim, width);
        return layout.Tensors;
    }
}
