using System.Globalization;

namespace ControlNet.ML;

/// <summary>A LoRA for one image.</summary>
/// <param name="Name">The name of a loaded LoRA (<see cref="DiffusionModel.LoadLora"/>), or the path of a file.</param>
/// <param name="Weight">The factor of its changes; 0 is without, 1 as trained. Several LoRAs add up.</param>
public sealed record LoraWeight(string Name, double Weight = 1)
{
    /// <summary>
    /// Parses <c>name:weight;name:weight</c>; a missing weight is 1. Colons in a name (a Windows path) stay in it: only a number is taken
    /// from the end.
    /// </summary>
    /// <param name="text">The text; empty for none.</param>
    /// <returns>The LoRAs, in order.</returns>
    /// <exception cref="ControlNetException">A name is empty.</exception>
    public static IReadOnlyList<LoraWeight> ParseList(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return string.IsNullOrWhiteSpace(text) ? [] : [.. text.Split(';').Select(Parse)];
    }

    /// <summary>Parses <c>name</c> or <c>name:weight</c>.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The LoRA.</returns>
    /// <exception cref="ControlNetException">The name is empty.</exception>
    public static LoraWeight Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var colon = text.LastIndexOf(':');
        var lora = colon >= 0
            && double.TryParse(text.AsSpan(colon + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var weight)
            && double.IsFinite(weight)
                ? new LoraWeight(text[..colon].Trim(), weight)
                : new LoraWeight(text.Trim());
        return lora.Name.Length > 0
            ? lora
            : throw new ControlNetException($"The LoRA {Internal.Message.Name(text)} has no name, expected NAME or NAME:WEIGHT.");
    }

    /// <summary>The text that <see cref="Parse"/> reads.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}:{Weight:R}");
}
