using System.Reflection;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Every kind of condition by name: one line each.</summary>
public static class ConditionCatalog
{
    // Assemblies with more kinds, if an application references them. Nothing else is loaded by name.
    private static readonly string[] Providers = ["ControlNet.ML.Onnx"];

    /// <summary>The kinds that do not need a network.</summary>
    public static IReadOnlyList<ConditionKind> Managed { get; } =
    [
        ConditionKind.Of<CannyOptions>("canny", "Canny edges, white on black", Canny.Apply),
        ConditionKind.Of<ScribbleOptions>("scribble", "the strokes of a drawing, dark on light, as white on black", Scribble.Apply),
        ConditionKind.Of<ScribbleXDoGOptions>(
            "scribble_xdog", "a scribble from a photo, by the difference of two Gaussians", ScribbleXDoG.Apply),
        ConditionKind.Of<LineArtStandardOptions>("lineart_standard", "lines: what is darker than its surroundings", LineArtStandard.Apply),
        ConditionKind.Of(
            "invert", "the image's negative: dark lines on white become white on black", image => Color.Invert(Color.Hwc3(image))),
        ConditionKind.Of<ThresholdOptions>("threshold", "black and white", ThresholdMap.Apply),
        ConditionKind.Of<BlurOptions>("blur", "the image with a Gaussian blur", Blur.Apply),
        ConditionKind.Of<TileOptions>("tile", "the image without its fine detail", Tile.Apply),
        ConditionKind.Of<RecolorOptions>("recolor_luminance", "perceived lightness, to be recolored", Recolor.Luminance),
        ConditionKind.Of<RecolorOptions>("recolor_intensity", "the maximum of the channels, to be recolored", Recolor.Intensity),
        ConditionKind.Of<ShuffleOptions>("shuffle", "the image's colors and textures rearranged, by a seed", Shuffle.Apply),
        ConditionKind.Of<ColorGridOptions>("color_grid", "a coarse grid of single-colored squares", ColorGrid.Apply),
        ConditionKind.Of<DepthOptions>("depth_map", "from a depth map: scaled to the full range, near is bright", Depth.OfMap),
        ConditionKind.Of<NormalsOptions>("normal_map", "from a depth map: surface normals", Normals.OfDepthMap),
        ConditionKind.Of<SegmentationMapOptions>(
            "segmentation_map", "from a segmentation: its labels or nearest colors in a palette's colors", SegmentationMap.Apply),
        ConditionKind.Of("none", "the image itself is the condition", Color.Hwc3),
    ];

    private static readonly Lazy<IReadOnlyList<ConditionKind>> Everything = new(() => [.. Managed, .. Provided()]);

    /// <summary>
    /// All kinds, in the order in which they are listed to users: those of this assembly, then the learned ones if ControlNet.ML.Onnx is
    /// referenced.
    /// </summary>
    public static IReadOnlyList<ConditionKind> All => Everything.Value;

    /// <summary>Finds a kind by name.</summary>
    /// <param name="name">Its name; case does not matter.</param>
    /// <returns>The kind.</returns>
    /// <exception cref="ControlNetException">There is none; the message lists the names.</exception>
    public static ConditionKind Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (All.FirstOrDefault(kind => kind.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } found)
            return found;
        var names = All.Select(kind => kind.Name).ToArray();
        var hint = NearestName.Suggest(name, names) is { } nearest ? $"; did you mean '{nearest}'? Expected" : ", expected";
        throw new ControlNetException($"There is no condition '{name}'{hint} one of {string.Join(", ", names.Select(own => $"'{own}'"))}.");
    }

    private static IEnumerable<ConditionKind> Provided() =>
        Providers
            .Select(name => OptionalAssembly.TryLoad(name)?.GetCustomAttribute<ConditionProviderAttribute>())
            .OfType<ConditionProviderAttribute>()
            .SelectMany(attribute => ((IConditionProvider)Activator.CreateInstance(attribute.Provider)!).Kinds);
}
