namespace ControlNet.ML.Imaging;

/// <summary>The size at which an annotator works: the shorter side scaled to a resolution, both sides rounded to multiples of 64.</summary>
public static class WorkingResolution
{
    /// <summary>
    /// The limit on pixels of image files. Otherwise an image a thousand times wider than high would be upsampled to gigabytes.
    /// </summary>
    public const long MostPixels = 100_000_000;

    private const int Step = 64;

    /// <summary>
    /// The size of controlnet_aux's resize_image: both sides scaled by resolution / shorter side, each rounded to a multiple of 64,
    /// half to even.
    /// </summary>
    /// <param name="width">Columns of the source, at least 1.</param>
    /// <param name="height">Rows of the source, at least 1.</param>
    /// <param name="resolution">The target of the shorter side; above 32, or a side would become 0.</param>
    /// <returns>Width and height.</returns>
    /// <exception cref="ControlNetException">The image is too narrow for the resolution.</exception>
    public static (int Width, int Height) Multiple64(int width, int height, int resolution)
    {
        var scale = ScaleOf(width, height, resolution);
        return (Rounded(width * scale), Rounded(height * scale));

        int Rounded(double side)
        {
            var rounded = Math.Round(side / Step) * Step;
            return rounded is >= Step and <= int.MaxValue
                ? (int)rounded
                : throw new ControlNetException(
                    $"An image of {width}x{height} at resolution {resolution} would get a side of {rounded:0} pixels, expected at least "
                        + $"{Step}.");
        }
    }

    /// <summary>Resizes to <see cref="Multiple64"/>, with LANCZOS4 up and AREA down, as in controlnet_aux's resize_image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="resolution">The target of the shorter side; above 32.</param>
    /// <returns>The resized image.</returns>
    /// <exception cref="ControlNetException">The result would have more than 100 million pixels, or a side of 0.</exception>
    public static ImageBuffer ResizeToMultiple64(ImageBuffer image, int resolution)
    {
        ArgumentNullException.ThrowIfNull(image);
        var (width, height) = Multiple64(image.Width, image.Height, resolution);
        CheckPixels(image, resolution, width, height);
        return Resize.Apply(
            image, width, height, resolution > Math.Min(image.Width, image.Height) ? Interpolation.Lanczos4 : Interpolation.Area);
    }

    /// <summary>The web UI's size: both sides scaled and rounded (half to even), then padded right and below to multiples of 64.</summary>
    /// <param name="width">Columns of the source, at least 1.</param>
    /// <param name="height">Rows of the source, at least 1.</param>
    /// <param name="resolution">The target of the shorter side, at least 1.</param>
    /// <returns>The scaled size inside the padded one.</returns>
    /// <exception cref="ControlNetException">The image is too narrow for the resolution.</exception>
    public static Geometry Padded(int width, int height, int resolution)
    {
        var scale = ScaleOf(width, height, resolution);
        return Geometry.Padded(width, height, Rounded(width * scale), Rounded(height * scale), Step);

        int Rounded(double side) => Math.Round(side) <= int.MaxValue - Step
            ? (int)Math.Round(side)
            : throw new ControlNetException(
                $"An image of {width}x{height} at resolution {resolution} would get a side of {side:0} pixels.");
    }

    /// <summary>
    /// Resizes to <see cref="Padded"/>, with CUBIC up and AREA down, and repeats the last column and row over the padding.
    /// <see cref="Geometry.Cut"/> takes the padding off an annotator's result.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <param name="resolution">The target of the shorter side, at least 1.</param>
    /// <returns>The padded image, and where the scaled one is inside it.</returns>
    public static (ImageBuffer Image, Geometry Geometry) ResizeToPadded(ImageBuffer image, int resolution)
    {
        ArgumentNullException.ThrowIfNull(image);
        var geometry = Padded(image.Width, image.Height, resolution);
        CheckPixels(image, resolution, geometry.Width, geometry.Height);
        var up = resolution > Math.Min(image.Width, image.Height);
        var scaled = Resize.Apply(image, geometry.ScaledWidth, geometry.ScaledHeight, up ? Interpolation.Cubic : Interpolation.Area);
        var result = new ImageBuffer(geometry.Width, geometry.Height, image.Channels);
        for (var y = 0; y < result.Height; y++)
        {
            var source = scaled.Row(Math.Min(y, scaled.Height - 1));
            var target = result.Row(y);
            source.CopyTo(target);
            for (var i = source.Length; i < target.Length; i++)
                target[i] = target[i - image.Channels];
        }

        return (result, geometry);
    }

    /// <summary>
    /// The web UI's "pixel perfect" resolution, at which the annotator sees the source at the scale that it has in the
    /// generated image.
    /// </summary>
    /// <param name="geometry">How the source is fitted to the image's size.</param>
    /// <returns>The length of the shorter side.</returns>
    public static int PixelPerfect(Geometry geometry)
    {
        ArgumentNullException.ThrowIfNull(geometry);
        var (down, across) = ((double)geometry.Height / geometry.SourceHeight, (double)geometry.Width / geometry.SourceWidth);
        var scale = geometry.Mode == FitMode.Fill ? Math.Min(down, across) : Math.Max(down, across);
        return (int)Math.Round(scale * Math.Min(geometry.SourceHeight, geometry.SourceWidth));
    }

    private static void CheckPixels(ImageBuffer image, int resolution, int width, int height)
    {
        if ((long)width * height > MostPixels)
        {
            throw new ControlNetException(
                $"An image of {image.Width}x{image.Height} at resolution {resolution} would have {width}x{height} pixels, expected at "
                    + $"most {MostPixels:N0}: it is too narrow.");
        }
    }

    private static double ScaleOf(int width, int height, int resolution)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(resolution, 1);
        return (double)resolution / Math.Min(width, height);
    }
}
