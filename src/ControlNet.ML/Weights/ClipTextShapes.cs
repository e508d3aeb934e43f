using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>
/// Infers a text encoder's configuration from the shapes of its tensors. All of Stable Diffusion's have heads of 64 channels; OpenAI's CLIP
/// has the activation quick_gelu, OpenCLIP gelu.
/// </summary>
/// <param name="shapes">The tensors, in transformers' or OpenCLIP's naming, without prefix.</param>
/// <param name="isOpenClip">Whether they have OpenCLIP's names.</param>
/// <param name="source">The file's name for messages.</param>
internal sealed class ClipTextShapes(IReadOnlyDictionary<string, long[]> shapes, bool isOpenClip, string source)
    : TensorShapes(shapes, source)
{
    private const int HeadWidth = 64;
    private const int MostTokens = 1 << 20;

    /// <inheritdoc/>
    protected override string Kind => "text encoder";

    /// <summary>The configuration.</summary>
    /// <param name="hasProjection">Whether the model uses the projection: the second encoder of SDXL.</param>
    /// <exception cref="ControlNetException">It cannot be inferred.</exception>
    public ClipTextConfig Infer(bool hasProjection)
    {
        var embedding = isOpenClip ? "token_embedding.weight" : "text_model.embeddings.token_embedding.weight";
        var positions = isOpenClip ? "positional_embedding" : "text_model.embeddings.position_embedding.weight";
        var width = Size(embedding, 1, 2);
        var layers = Count(FirstLinear);
        var config = ClipTextConfig.ClipL with
        {
            VocabSize = Size(embedding, 0, 2, MostTokens),
            HiddenSize = width,
            IntermediateSize = Size(FirstLinear(0), 0, 2),

            // Stable Diffusion 2 does not use the last of 24 layers; diffusers leaves it out by its number, too.
            NumHiddenLayers = isOpenClip && !hasProjection ? Math.Min(layers, ClipTextConfig.ClipH.NumHiddenLayers) : layers,
            NumAttentionHeads = width % HeadWidth == 0
                ? width / HeadWidth
                : throw Unknown($"{width} channels do not divide into heads of {HeadWidth}"),
            MaxPositionEmbeddings = Size(positions, 0, 2),
            HiddenAct = isOpenClip ? "gelu" : "quick_gelu",

            // OpenCLIP's is [width, projection], transformers' [projection, width]. Without one, the number in the published files.
            ProjectionDim = hasProjection ? Size(isOpenClip ? "text_projection" : "text_projection.weight", isOpenClip ? 1 : 0, 2)
                : isOpenClip ? ClipTextConfig.ClipH.ProjectionDim
                : width,
            HasProjection = hasProjection,
        };
        return Checked(config, config.Check);
    }

    private string FirstLinear(int layer) =>
        isOpenClip ? Text($"transformer.resblocks.{layer}.mlp.c_fc.weight") : Text($"text_model.encoder.layers.{layer}.mlp.fc1.weight");
}
