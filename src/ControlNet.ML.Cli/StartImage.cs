using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli;

/// <summary>What <c>--image</c>, <c>--strength</c>, <c>--mask</c> and <c>--depth</c> say: an image to begin from.</summary>
/// <param name="Image">The image's file.</param>
/// <param name="Strength">How much is made anew, or null.</param>
/// <param name="Mask">The mask's file, or null.</param>
/// <param name="Depth">The depth map's file, or null.</param>
internal sealed record StartImage(string Image, double? Strength, string? Mask, string? Depth)
{
    /// <summary>How much is made anew, where nothing is said too.</summary>
    public double StrengthOrDefault => Strength ?? ImageInput.DefaultStrength(Mask is not null);

    /// <summary>Puts the options together.</summary>
    /// <exception cref="UsageException">One is given that needs an image, without one.</exception>
    public static StartImage? Of(string? image, double? strength, string? mask, string? depth) => (image, strength, mask, depth) switch
    {
        ({ } file, _, _, _) => new StartImage(file, strength, mask, depth),
        (null, null, null, null) => null,
        (_, not null, _, _) => throw new UsageException("--strength says how much of the --image is made anew, and there is none."),
        (_, _, not null, _) => throw new UsageException("--mask says which part of the --image is made anew, and there is none."),
        _ => throw new UsageException("--depth has the depths of the --image, and there is none."),
    };

    /// <summary>Reads the files and brings them to the image's size, all in the same way.</summary>
    /// <exception cref="ControlNetException">They cannot be read, or do not belong to each other.</exception>
    public ImageInput Read(ImageSize size, FitMode fit)
    {
        var image = SourceFile.Image(Image);
        var geometry = Geometry.ForImage(image.Width, image.Height, size.Width, size.Height, fit);
        return new ImageInput(ImageFit.Apply(image, geometry))
        {
            Strength = Strength,
            Mask = Mask is null ? null : ReadMask(image, geometry),
            Depth = Depth is null ? null : ReadDepth(image, geometry),
        };
    }

    /// <summary>Where it came from, for the result's metadata.</summary>
    public IEnumerable<(string Key, string Value)> Provenance(FitMode fit)
    {
        foreach (var (name, file) in ((string, string?)[])[("image", Image), ("mask", Mask), ("depth", Depth)])
        {
            if (file is null)
                continue;
            yield return (name, Path.GetFileName(file));
            yield return ($"{name}_sha256", SourceFile.Hash(file));
        }

        yield return ("image_fit", fit.ToString().ToLowerInvariant());
    }

    private ImageBuffer ReadMask(ImageBuffer image, Geometry geometry)
    {
        // With its alpha: transparent parts of a mask mean something else than those of an image.
        var mask = ImageCodec.Load(Mask!);
        return (mask.Width, mask.Height) == (image.Width, image.Height)
            ? ImageFit.Apply(mask, geometry)
            : throw new ControlNetException($"{Mask}: the mask is {mask.Width}x{mask.Height} and the image {image.Width}x{image.Height}, expected the same size.");
    }

    /// <summary>Depths are stretched, which fits the image only where that is stretched, too.</summary>
    private FloatMap ReadDepth(ImageBuffer image, Geometry geometry)
    {
        var isStretched = geometry.Mode == FitMode.Resize || (long)image.Width * geometry.Height == (long)image.Height * geometry.Width;
        return isStretched
            ? DepthFile.Read(Depth!)
            : throw new ControlNetException($"{Image}: is {image.Width}x{image.Height}, of another shape than the result's {geometry.Width}x{geometry.Height}, to which the depths are stretched: say --fit resize, or a --size of its shape.");
    }
}
