namespace ControlNet.ML.Imaging;

/// <summary>How to fit an image to a size with another aspect ratio.</summary>
public enum FitMode
{
    /// <summary>Stretch it: "just resize".</summary>
    Resize,

    /// <summary>Keep the aspect ratio, cover the size, crop the rest: "crop and resize".</summary>
    Crop,

    /// <summary>Keep the aspect ratio, show the whole image, fill the rest: "resize and fill".</summary>
    Fill,
}

/// <summary>
/// How an image is fitted to a size: scaled as a whole, then placed at an offset on the target, where it is cropped.
/// Condition, mask and image that share one geometry stay aligned, and results always have the requested size.
/// </summary>
public sealed record Geometry
{
    private Geometry(
        int sourceWidth,
        int sourceHeight,
        (int Width, int Height) scaled,
        (int X, int Y) offset,
        (int Width, int Height) target,
        FitMode mode)
    {
        (SourceWidth, SourceHeight) = (sourceWidth, sourceHeight);
        (ScaledWidth, ScaledHeight) = scaled;
        (OffsetX, OffsetY) = offset;
        (Width, Height) = target;
        Mode = mode;
    }

    /// <summary>Columns of the source.</summary>
    public int SourceWidth { get; }

    /// <summary>Rows of the source.</summary>
    public int SourceHeight { get; }

    /// <summary>Columns of the whole source after scaling, before cropping.</summary>
    public int ScaledWidth { get; }

    /// <summary>Rows of the whole source after scaling.</summary>
    public int ScaledHeight { get; }

    /// <summary>Position of the scaled source's left column in the target; negative if columns are cropped there.</summary>
    public int OffsetX { get; }

    /// <summary>Position of the scaled source's top row in the target; negative if rows are cropped there.</summary>
    public int OffsetY { get; }

    /// <summary>Columns of the target.</summary>
    public int Width { get; }

    /// <summary>Rows of the target.</summary>
    public int Height { get; }

    /// <summary>The requested mode.</summary>
    public FitMode Mode { get; }

    /// <summary>
    /// Fits an image as in diffusers' VaeImageProcessor (and the web UI): sides by integer division, truncated.
    /// </summary>
    /// <param name="sourceWidth">Columns of the source, at least 1.</param>
    /// <param name="sourceHeight">Rows of the source, at least 1.</param>
    /// <param name="width">Requested columns, at least 1.</param>
    /// <param name="height">Requested rows, at least 1.</param>
    /// <param name="mode">How to fit another aspect ratio.</param>
    /// <returns>The scaled size, its place, and the size that results.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The mode is unknown.</exception>
    public static Geometry ForImage(int sourceWidth, int sourceHeight, int width, int height, FitMode mode)
    {
        Check(sourceWidth, sourceHeight, width, height);
        var (shape, sourceShape) = ((double)width / height, (double)sourceWidth / sourceHeight);
        (int Width, int Height) scaled = mode switch
        {
            FitMode.Resize => (width, height),
            FitMode.Crop => shape > sourceShape ? ByWidth() : ByHeight(),
            FitMode.Fill => shape < sourceShape ? ByWidth() : ByHeight(),
            _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "Not a mode."),
        };
        var offset = ((width / 2) - (scaled.Width / 2), (height / 2) - (scaled.Height / 2));
        return new Geometry(sourceWidth, sourceHeight, scaled, offset, (width, height), mode);

        (int Width, int Height) ByWidth() => (width, Side((double)((long)sourceHeight * width / sourceWidth)));
        (int Width, int Height) ByHeight() => (Side((double)((long)sourceWidth * height / sourceHeight)), height);
    }

    /// <summary>Fits a finished condition as in the web UI: sides rounded half to even.</summary>
    /// <param name="sourceWidth">Columns of the source, at least 1.</param>
    /// <param name="sourceHeight">Rows of the source, at least 1.</param>
    /// <param name="width">Requested columns, at least 1.</param>
    /// <param name="height">Requested rows, at least 1.</param>
    /// <param name="mode">How to fit another aspect ratio.</param>
    /// <returns>The scaled size, its place, and the size that results.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The mode is unknown.</exception>
    public static Geometry ForMap(int sourceWidth, int sourceHeight, int width, int height, FitMode mode)
    {
        Check(sourceWidth, sourceHeight, width, height);
        var (down, across) = ((double)height / sourceHeight, (double)width / sourceWidth);
        var scale = mode == FitMode.Fill ? Math.Min(down, across) : Math.Max(down, across);
        var scaled = mode switch
        {
            FitMode.Resize => (width, height),
            FitMode.Crop or FitMode.Fill => (Side(sourceWidth * scale), Side(sourceHeight * scale)),
            _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "Not a mode."),
        };
        return new Geometry(
            sourceWidth, sourceHeight, scaled, (Middle(width, scaled.Item1), Middle(height, scaled.Item2)), (width, height), mode);

        static int Middle(int target, int scaled) => target >= scaled ? (target - scaled) / 2 : -((scaled - target) / 2);
    }

    /// <summary>
    /// The unscaled centre of an image, as in torchvision's CenterCrop: the offset rounded half to even; a smaller image
    /// is padded with black, with the odd pixel right and below.
    /// </summary>
    /// <param name="sourceWidth">Columns of the source, at least 1.</param>
    /// <param name="sourceHeight">Rows of the source, at least 1.</param>
    /// <param name="width">Requested columns, at least 1.</param>
    /// <param name="height">Requested rows, at least 1.</param>
    /// <returns>The scaled size, its place, and the size that results.</returns>
    public static Geometry Centre(int sourceWidth, int sourceHeight, int width, int height)
    {
        Check(sourceWidth, sourceHeight, width, height);
        return Centre(sourceWidth, sourceHeight, (sourceWidth, sourceHeight), (width, height));
    }

    /// <summary>
    /// Fits an image for training: scales the shorter side to the size, the longer in proportion (truncated), then crops the centre square.
    /// </summary>
    /// <param name="sourceWidth">Columns of the source, at least 1.</param>
    /// <param name="sourceHeight">Rows of the source, at least 1.</param>
    /// <param name="size">The side of the square, at least 1.</param>
    /// <returns>The scaled size, its place, and the size that results.</returns>
    public static Geometry Training(int sourceWidth, int sourceHeight, int size)
    {
        Check(sourceWidth, sourceHeight, size, size);
        var scaled = sourceWidth <= sourceHeight
            ? (size, Side(Math.Floor((double)((long)size * sourceHeight) / sourceWidth)))
            : (Side(Math.Floor((double)((long)size * sourceWidth) / sourceHeight)), size);
        return Centre(sourceWidth, sourceHeight, scaled, (size, size));
    }

    /// <summary>Scales to a size, then repeats the last column and row up to multiples of a step.</summary>
    internal static Geometry Padded(int sourceWidth, int sourceHeight, int width, int height, int step) =>
        new(
            sourceWidth,
            sourceHeight,
            (width, height),
            (0, 0),
            (checked((width + step - 1) / step * step), checked((height + step - 1) / step * step)),
            FitMode.Fill);

    /// <summary>Copies a scaled image to its position on the target.</summary>
    /// <param name="scaled">An image of the scaled size.</param>
    /// <param name="target">
    /// An image of the target's size with the same number of channels; pixels that are not covered do not change.
    /// </param>
    /// <exception cref="ArgumentException">The images differ in channels.</exception>
    public void Place(ImageBuffer scaled, ImageBuffer target)
    {
        ArgumentNullException.ThrowIfNull(scaled);
        ArgumentNullException.ThrowIfNull(target);
        Expect(scaled, ScaledWidth, ScaledHeight, nameof(scaled));
        Expect(target, Width, Height, nameof(target));
        var channels = target.Channels;
        if (scaled.Channels != channels)
            throw new ArgumentException($"The images have {scaled.Channels} and {channels} channels.", nameof(scaled));

        var (left, right) = (Math.Max(0, OffsetX), Math.Min(Width, OffsetX + ScaledWidth));
        var (top, bottom) = (Math.Max(0, OffsetY), Math.Min(Height, OffsetY + ScaledHeight));
        for (var y = top; y < bottom; y++)
            scaled.Row(y - OffsetY)[((left - OffsetX) * channels)..((right - OffsetX) * channels)]
                .CopyTo(target.Row(y)[(left * channels)..]);
    }

    /// <summary>Cuts out the part of a target that shows the source, without padding and fill.</summary>
    /// <param name="target">An image of the target's size.</param>
    /// <returns>A new image.</returns>
    public ImageBuffer Cut(ImageBuffer target)
    {
        ArgumentNullException.ThrowIfNull(target);
        Expect(target, Width, Height, nameof(target));
        var channels = target.Channels;
        var (left, right) = (Math.Max(0, OffsetX), Math.Min(Width, OffsetX + ScaledWidth));
        var (top, bottom) = (Math.Max(0, OffsetY), Math.Min(Height, OffsetY + ScaledHeight));
        var result = new ImageBuffer(right - left, bottom - top, channels);
        for (var y = top; y < bottom; y++)
            target.Row(y)[(left * channels)..(right * channels)].CopyTo(result.Row(y - top));
        return result;
    }

    /// <summary>Throws if an image does not have the source's size.</summary>
    internal void ExpectSource(ImageBuffer image, string parameter) => Expect(image, SourceWidth, SourceHeight, parameter);

    private static void Expect(ImageBuffer image, int width, int height, string parameter)
    {
        if ((image.Width, image.Height) != (width, height))
            throw new ArgumentException($"The image is {image.Width}x{image.Height}, expected {width}x{height}.", parameter);
    }

    private static Geometry Centre(int sourceWidth, int sourceHeight, (int Width, int Height) scaled, (int Width, int Height) target) =>
        new(
            sourceWidth,
            sourceHeight,
            scaled,
            (Middle(target.Width, scaled.Width), Middle(target.Height, scaled.Height)),
            target,
            FitMode.Crop);

    private static int Middle(int target, int scaled) =>
        target >= scaled ? (target - scaled) / 2 : -(int)Math.Round((scaled - target) / 2.0);

    private static int Side(double side) => side switch
    {
        // An image a thousand times wider than high keeps at least a line.
        < 1 => 1,
        <= int.MaxValue => (int)Math.Round(side),
        _ =>
            throw new ControlNetException(
                $"A side of {side:0} pixels is too large for an image: the source is too narrow for the requested size."),
    };

    private static void Check(int sourceWidth, int sourceHeight, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sourceWidth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(sourceHeight, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
    }
}
