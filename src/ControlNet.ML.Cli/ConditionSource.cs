using ControlNet.ML.Conditions;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli;

/// <summary>A condition for one network: preprocessed from a photo, or ready-made from a file.</summary>
/// <param name="Photo">The photo at the image's size, or null for a ready-made condition.</param>
/// <param name="Condition">The condition at the image's size.</param>
/// <param name="Provenance">Where it came from, for the image's metadata.</param>
internal sealed record ConditionSource(ImageBuffer? Photo, ImageBuffer Condition, IReadOnlyDictionary<string, string> Provenance)
{
    /// <summary>The size of a ready-made condition in its file, about which the library warns if it is small; null for photos.</summary>
    private (int Width, int Height)? SourceSize { get; init; }

    /// <summary>The input of a control network.</summary>
    public ControlInput For(ControlNetwork network, ControlUnit unit) =>
        new(network, Condition) { Unit = unit, SourceSize = SourceSize };

    /// <summary>Reads a photo, resizes it to the image's size and preprocesses it.</summary>
    public static ConditionSource FromPhoto(string file, ConditionKind kind, object? options, ImageSize size, FitMode fit)
    {
        using var preprocessor = kind.Open(options);
        return FromPhoto(file, kind, options, preprocessor, size, fit);
    }

    /// <summary>The same with an open preprocessor, so that a learned one loads its network once for all photos.</summary>
    public static ConditionSource FromPhoto(
        string file, ConditionKind kind, object? options, IPreprocessor preprocessor, ImageSize size, FitMode fit)
    {
        var photo = SourceFile.Image(file);
        var geometry = Geometry.ForImage(photo.Width, photo.Height, size.Width, size.Height, fit);
        photo = ImageFit.Apply(photo, geometry);
        return new ConditionSource(photo, preprocessor.Apply(photo), new Dictionary<string, string>
        {
            ["photo"] = Path.GetFileName(file),
            ["photo_sha256"] = SourceFile.Hash(file),
            ["photo_fit"] = fit.ToString().ToLowerInvariant(),
            ["preprocessor"] = kind.Name,
            ["preprocessor_options"] = options?.ToString() ?? "",
        });
    }

    /// <summary>Reads a ready-made condition and, if its size differs from the image's, resizes it without blurring its lines.</summary>
    public static ConditionSource FromMap(string file, ImageSize size, FitMode fit)
    {
        var map = SourceFile.Image(file);
        var source = (map.Width, map.Height);
        if (map.Width != size.Width || map.Height != size.Height)
            map = MapFit.Apply(map, Geometry.ForMap(map.Width, map.Height, size.Width, size.Height, fit));
        return new ConditionSource(null, map, new Dictionary<string, string>
        {
            ["condition"] = Path.GetFileName(file),
            ["condition_sha256"] = SourceFile.Hash(file),
        })
        {
            SourceSize = source,
        };
    }
}
