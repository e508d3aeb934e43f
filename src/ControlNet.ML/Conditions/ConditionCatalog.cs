using System.Reflection;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Every kind of condition by name: one line each.</summary>
public static class ConditionCatalog
{
    // Assemblies that bring more kinds, where an application references them. Nothing else is ever loaded by name.
    private static readonly string[] Providers = ["ControlNet.ML.Onnx"];

    /// <summary>The kinds that need no network.</summary>
    public static IReadOnlyList<ConditionKind> Managed { get; } =
    [
        ConditionKind.Of<CannyOptions>("canny", "Canny's edges, white on black", Canny.Apply),
        ConditionKind.Of<ScribbleOptions>("scribble", "the strokes of a drawing, dark on light, as white on black", Scribble.Apply),
        ConditionKind.Of<ScribbleXDoGOptions>("scribble_xdog", "a scribble of a photograph by the difference of two Gaussians", ScribbleXDoG.Apply),
        ConditionKind.Of<LineArtStandardOptions>("lineart_standard", "lines: what is darker than its surroundings", LineArtStandard.Apply),
        ConditionKind.Of("invert", "the image's negative: dark lines on white become white on black", image => Color.Invert(Color.Hwc3(image))),
        ConditionKind.Of<ThresholdOptions>("threshold", "black and white", ThresholdMap.Apply),
        ConditionKind.Of<BlurOptions>("blur", "the image out of focus", Blur.Apply),
        ConditionKind.Of<TileOptions>("tile", "the image with its detail taken away", Tile.Apply),
        ConditionKind.Of<RecolorOptions>("recolor_luminance", "brightness as the eye sees it, to be colored anew", Recolor.Luminance),
        ConditionKind.Of<RecolorOptions>("recolor_intensity", "the strongest channel, to be colored anew", Recolor.Intensity),
        ConditionKind.Of<ShuffleOptions>("shuffle", "the image's colors and textures in another arrangement, by a seed", Shuffle.Apply),
        ConditionKind.Of<ColorGridOptions>("color_grid", "large squares of one color each", ColorGrid.Apply),
        ConditionKind.Of<DepthOptions>("depth_map", "of an image that is a depth map: brought to the full range, near bright", Depth.OfMap),
        ConditionKind.Of<NormalsOptions>("normal_map", "of an image that is a depth map: the directions its surfaces face", Normals.OfDepthMap),
        ConditionKind.Of<SegmentationMapOptions>("segmentation_map", "of an image that is a segmentation: its labels or nearest colors in a palette's own", SegmentationMap.Apply),
        ConditionKind.Of("none", "the image itself is the condition", Color.Hwc3),
    ];

    private static readonly Lazy<IReadOnlyList<ConditionKind>> Everything = new(() => [.. Managed, .. Provided()]);

    /// <summary>All kinds, in the order in which they are listed to users: those of this assembly, then the learned ones where ControlNet.ML.Onnx is referenced.</summary>
    public static IReadOnlyList<ConditionKind> All => Everything.Value;

    /// <summary>The kind of a name.</summary>
    /// <param name="name">Upper or lower case.</param>
    /// <exception cref="ControlNetException">There is none; the message lists those that there are.</exception>
    public static ConditionKind Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return All.FirstOrDefault(kind => kind.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new ControlNetException(
                $"There is no condition '{name}'{(NearestName.Suggest(name, All.Select(kind => kind.Name)) is { } nearest ? $"; did you mean '{nearest}'? Expected" : ", expected")} "
                + $"one of {string.Join(", ", All.Select(kind => $"'{kind.Name}'"))}.");
    }

    private static IEnumerable<ConditionKind> Provided() =>
        Providers
            .Select(name => OptionalAssembly.TryLoad(name)?.GetCustomAttribute<ConditionProviderAttribute>())
            .OfType<ConditionProviderAttribute>()
            .SelectMany(attribute => ((IConditionProvider)Activator.CreateInstance(attribute.Provider)!).Kinds);
}
