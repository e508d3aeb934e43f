using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli;

/// <summary>The image to start from: <c>--image</c>, <c>--strength</c>, <c>--mask</c> and <c>--depth</c>.</summary>
/// <param name="Image">File of the image.</param>
/// <param name="Strength">How much to transform the image, or null.</param>
/// <param name="Mask">File of the mask, or null.</param>
/// <param name="Depth">File of the depth map, or null.</param>
internal sealed record StartImage(string Image, double? Strength, string? Mask, string? Depth)
{
    /// <summary>The strength, or its default.</summary>
    public double StrengthOrDefault => Strength ?? ImageInput.DefaultStrength(Mask is not null);

    /// <summary>Combines the options.</summary>
    /// <exception cref="UsageException">A strength, mask or depth map is given without an image.</exception>
    public static StartImage? Of(string? image, double? strength, string? mask, string? depth)
    {
        if (image is not null)
            return new StartImage(image, strength, mask, depth);
        var option = strength is not null ? "--strength" : mask is not null ? "--mask" : depth is not null ? "--depth" : null;
        return option is null ? null : throw new UsageException($"{option} {InputRules.NeedsImage("--image")}.");
    }

    /// <summary>Reads the files and fits them all to the output size in the same way.</summary>
    /// <exception cref="ControlNetException">A file cannot be read, or its size or shape does not match the image's.</exception>
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

    /// <summary>File names and hashes, for the result's metadata.</summary>
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
        // With its alpha channel: transparent parts of a mask mean something else than those of an image.
        var mask = ImageCodec.Load(Mask!);
        return (mask.Width, mask.Height) == (image.Width, image.Height)
            ? ImageFit.Apply(mask, geometry)
            : throw new ControlNetException(
                $"{Mask}: the mask is {mask.Width}x{mask.Height} and the image {image.Width}x{image.Height}, expected the same size.");
    }

    /// <summary>A depth map is stretched to the output size, so it matches the image only if the image is stretched too.</summary>
    private FloatMap ReadDepth(ImageBuffer image, Geometry geometry)
    {
        var isStretched = geometry.Mode == FitMode.Resize || (long)image.Width * geometry.Height == (long)image.Height * geometry.Width;
        return isStretched
            ? DepthFile.Read(Depth!)
            : throw new ControlNetException(
                $"{Image}: the image is {image.Width}x{image.Height} and the result {geometry.Width}x{geometry.Height}. A depth map "
                    + $"needs the same "
                    + "aspect ratio in both, since it is stretched: use --fit resize, or a --size with the image's aspect ratio.");
    }
}
