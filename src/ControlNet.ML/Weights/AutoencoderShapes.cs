using System.Globalization;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>
/// Infers an autoencoder's configuration from the shapes of its tensors. The scaling factor is not in them: it is that of the family.
/// </summary>
/// <param name="shapes">The tensors, without prefix.</param>
/// <param name="isOriginal">Whether they have the original names.</param>
/// <param name="source">The file's name for messages.</param>
internal sealed class AutoencoderShapes(IReadOnlyDictionary<string, long[]> shapes, bool isOriginal, string source)
{
    /// <summary>The configuration.</summary>
    /// <param name="scalingFactor">The family's scaling factor.</param>
    /// <exception cref="ControlNetException">It cannot be inferred.</exception>
    public AutoencoderConfig Infer(double scalingFactor)
    {
        var channels = new List<int>();
        while (channels.Count < ConfigRules.MostLevels && Has(Block(channels.Count, 0)))
            channels.Add(Size(Block(channels.Count, 0), 0));
        if (channels.Count == 0)
            throw Unknown($"it has no '{Block(0, 0)}'");
        var layers = 0;
        while (Has(Block(0, layers)))
            layers++;
        var config = AutoencoderConfig.StableDiffusion15 with
        {
            InChannels = Size("encoder.conv_in.weight", 1),
            OutChannels = Size("decoder.conv_out.weight", 0),
            LatentChannels = Size("decoder.conv_in.weight", 1),
            BlockOutChannels = [.. channels],
            DownBlockTypes = [.. channels.Select(_ => AutoencoderConfig.StableDiffusion15.DownBlockTypes[0])],
            UpBlockTypes = [.. channels.Select(_ => AutoencoderConfig.StableDiffusion15.UpBlockTypes[0])],
            LayersPerBlock = layers,
            UseQuantConv = Has("quant_conv.weight"),
            UsePostQuantConv = Has("post_quant_conv.weight"),
            MidBlockAddAttention = Has(isOriginal ? "encoder.mid.attn_1.norm.weight" : "encoder.mid_block.attentions.0.group_norm.weight"),
            ScalingFactor = scalingFactor,
        };
        try
        {
            config.Check(source);
            return config;
        }
        catch (ControlNetException error)
        {
            throw Unknown(error.Message.Replace(source + ": ", "", StringComparison.Ordinal));
        }
    }

    private string Block(int level, int index) =>
        isOriginal
            ? Text($"encoder.down.{level}.block.{index}.conv1.weight")
            : Text($"encoder.down_blocks.{level}.resnets.{index}.conv1.weight");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private bool Has(string name) => shapes.ContainsKey(name);

    private int Size(string name, int dimension) =>
        shapes.TryGetValue(name, out var shape) && shape.Length == 4 && shape[dimension] is > 0 and <= ConfigRules.MostChannels and var size
            ? (int)size
            : throw Unknown(shape is null ? $"it has no '{name}'" : $"{Message.Name(name)} is {Message.Shape(shape)}");

    private ControlNetException Unknown(string why) => new(
        $"{source}: the configuration of this autoencoder cannot be inferred from its tensors ({why.TrimEnd('.')}); "
            + "give a model folder of the same architecture as its configuration (--config).");
}
