using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Every kind of condition by name: one line each.</summary>
public static class ConditionCatalog
{
    /// <summary>All kinds, in the order in which they are listed to users.</summary>
    public static IReadOnlyList<ConditionKind> All { get; } =
    [
        ConditionKind.Of<CannyOptions>("canny", "Canny's edges, white on black", Canny.Apply),
        ConditionKind.Of<ScribbleOptions>("scribble", "the strokes of a drawing, dark on light, as white on black", Scribble.Apply),
        ConditionKind.Of<ScribbleXDoGOptions>("scribble_xdog", "a scribble of a photograph by the difference of two Gaussians", ScribbleXDoG.Apply),
        ConditionKind.Of<LineArtStandardOptions>("lineart_standard", "lines: what is darker than its surroundings", LineArtStandard.Apply),
        ConditionKind.Of("invert", "the picture's negative: dark lines on white become white on black", image => Colour.Invert(Colour.Hwc3(image))),
        ConditionKind.Of<ThresholdOptions>("threshold", "black and white", ThresholdMap.Apply),
        ConditionKind.Of<BlurOptions>("blur", "the picture out of focus", Blur.Apply),
        ConditionKind.Of<TileOptions>("tile", "the picture with its detail taken away", Tile.Apply),
        ConditionKind.Of<RecolorOptions>("recolor_luminance", "brightness as the eye sees it, to be coloured anew", Recolor.Luminance),
        ConditionKind.Of<RecolorOptions>("recolor_intensity", "the strongest channel, to be coloured anew", Recolor.Intensity),
        ConditionKind.Of("none", "the picture itself is the condition", Colour.Hwc3),
    ];

    /// <summary>The kind of a name.</summary>
    /// <param name="name">Upper or lower case.</param>
    /// <exception cref="ControlNetException">There is none; the message lists those that there are.</exception>
    public static ConditionKind Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return All.FirstOrDefault(kind => kind.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new ControlNetException($"There is no condition '{name}', expected one of {string.Join(", ", All.Select(kind => $"'{kind.Name}'"))}.");
    }
}
