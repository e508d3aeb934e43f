using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>Infers a control network's configuration from the shapes of its tensors; see <see cref="EncoderShapes"/>.</summary>
/// <param name="shapes">The tensors, without prefix.</param>
/// <param name="isOriginal">Whether they have the original names.</param>
/// <param name="source">The file's name for messages.</param>
internal sealed class ControlShapes(IReadOnlyDictionary<string, long[]> shapes, bool isOriginal, string source)
    : EncoderShapes(shapes, isOriginal, source)
{
    /// <inheritdoc/>
    protected override string Kind => "control network";

    /// <inheritdoc/>
    protected override string Advice =>
        $"put one in diffusers' format next to the file, as '{Path.GetFileName(Path.ChangeExtension(Source, ".json"))}'";

    /// <summary>The configuration.</summary>
    public ControlNetConfig Infer()
    {
        var config = Encoder(new ControlNetConfig()) with
        {
            ConditioningChannels = Size(IsOriginal ? "input_hint_block.0.weight" : "controlnet_cond_embedding.conv_in.weight", 1, 4),
            ConditioningEmbeddingOutChannels = ConditionChannels(),
        };
        return Checked(config, config.Check);
    }

    private int[] ConditionChannels()
    {
        var first = IsOriginal ? "input_hint_block.0.weight" : "controlnet_cond_embedding.conv_in.weight";
        Func<int, string> widening = IsOriginal
            ? i => Text($"input_hint_block.{(4 * i) + 4}.weight")
            : i => Text($"controlnet_cond_embedding.blocks.{(2 * i) + 1}.weight");
        return [Size(first, 0, 4), .. Enumerable.Range(0, Count(widening)).Select(i => Size(widening(i), 0, 4))];
    }
}
