using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>
/// Infers an autoencoder's configuration from the shapes of its tensors. The scaling factor is not in them: it is that of the family.
/// </summary>
/// <param name="shapes">The tensors, without prefix.</param>
/// <param name="isOriginal">Whether they have the original names.</param>
/// <param name="source">The file's name for messages.</param>
internal sealed class AutoencoderShapes(IReadOnlyDictionary<string, long[]> shapes, bool isOriginal, string source)
    : TensorShapes(shapes, source)
{
    /// <inheritdoc/>
    protected override string Kind => "autoencoder";

    /// <summary>The configuration.</summary>
    /// <param name="scalingFactor">The family's scaling factor.</param>
    /// <exception cref="ControlNetException">It cannot be inferred.</exception>
    public AutoencoderConfig Infer(double scalingFactor)
    {
        var channels = new List<int>();
        while (channels.Count < ConfigRules.MostLevels && Has(Block(channels.Count, 0)))
            channels.Add(Size(Block(channels.Count, 0), 0, 4));
        if (channels.Count == 0)
            throw Unknown($"it has no '{Block(0, 0)}'");
        var config = AutoencoderConfig.StableDiffusion15 with
        {
            InChannels = Size("encoder.conv_in.weight", 1, 4),
            OutChannels = Size("decoder.conv_out.weight", 0, 4),
            LatentChannels = Size("decoder.conv_in.weight", 1, 4),
            BlockOutChannels = [.. channels],
            DownBlockTypes = [.. channels.Select(_ => AutoencoderConfig.StableDiffusion15.DownBlockTypes[0])],
            UpBlockTypes = [.. channels.Select(_ => AutoencoderConfig.StableDiffusion15.UpBlockTypes[0])],
            LayersPerBlock = Count(layer => Block(0, layer)),
            UseQuantConv = Has("quant_conv.weight"),
            UsePostQuantConv = Has("post_quant_conv.weight"),
            MidBlockAddAttention = Has(isOriginal ? "encoder.mid.attn_1.norm.weight" : "encoder.mid_block.attentions.0.group_norm.weight"),
            ScalingFactor = scalingFactor,
        };
        return Checked(config, config.Check);
    }

    private string Block(int level, int index) =>
        isOriginal
            ? Text($"encoder.down.{level}.block.{index}.conv1.weight")
            : Text($"encoder.down_blocks.{level}.resnets.{index}.conv1.weight");
}
