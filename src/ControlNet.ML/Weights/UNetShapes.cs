using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>Infers a UNet's configuration from the shapes of its tensors; see <see cref="EncoderShapes"/>.</summary>
/// <param name="shapes">The tensors, without prefix.</param>
/// <param name="isOriginal">Whether they have the original names.</param>
/// <param name="source">The file's name for messages.</param>
internal sealed class UNetShapes(IReadOnlyDictionary<string, long[]> shapes, bool isOriginal, string source)
    : EncoderShapes(shapes, isOriginal, source)
{
    /// <inheritdoc/>
    protected override string Kind => "UNet";

    /// <summary>The configuration.</summary>
    public UNetConfig Infer()
    {
        var config = Encoder(new UNetConfig());
        var guidance = IsOriginal ? "time_embed.cond_proj.weight" : "time_embedding.cond_proj.weight";
        config = config with
        {
            OutChannels = Size(IsOriginal ? "out.2.weight" : "conv_out.weight", 0, 4),
            TimeCondProjDim = Has(guidance) ? Size(guidance, 1, 2) : null,

            // The decoder mirrors the encoder in every published model.
            UpBlockTypes = [.. config.DownBlockTypes.Reverse().Select(type => type == "DownBlock2D" ? "UpBlock2D" : "CrossAttnUpBlock2D")],
        };
        return Checked(config, config.Check);
    }
}
