namespace ControlNet.ML.Imaging;

/// <summary>What to do when an image and the size asked for differ in shape.</summary>
public enum FitMode
{
    /// <summary>Stretch it: "just resize".</summary>
    Resize,

    /// <summary>Keep its shape, fill the size, cut off what sticks out: "crop and resize".</summary>
    Crop,

    /// <summary>Keep its shape, show all of it, fill what is left: "resize and fill".</summary>
    Fill,
}

/// <summary>
/// How an image was brought to a size: scaled as a whole, then laid at an offset on the target, where what sticks out is cut off.
/// Condition, mask and image that share one geometry stay in register, and results always have the size asked for.
/// </summary>
public sealed record Geometry
{
    private Geometry(int sourceWidth, int sourceHeight, (int Width, int Height) scaled, (int X, int Y) offset, (int Width, int Height) target, FitMode mode)
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

    /// <summary>Columns of the whole source after scaling, before anything is cut off.</summary>
    public int ScaledWidth { get; }

    /// <summary>Rows of the whole source after scaling.</summary>
    public int ScaledHeight { get; }

    /// <summary>Where the scaled source's left column lies in the target; negative if columns are cut off there.</summary>
    public int OffsetX { get; }

    /// <summary>Where the scaled source's top row lies in the target; negative if rows are cut off there.</summary>
    public int OffsetY { get; }

    /// <summary>Columns of the target.</summary>
    public int Width { get; }

    /// <summary>Rows of the target.</summary>
    public int Height { get; }

    /// <summary>What was asked for.</summary>
    public FitMode Mode { get; }

    /// <summary>
    /// How diffusers' VaeImageProcessor (and the web UI) bring an image to a size: sides by whole-number division, truncated.
    /// </summary>
    /// <param name="sourceWidth">Columns of the source, at least 1.</param>
    /// <param name="sourceHeight">Rows of the source, at least 1.</param>
    /// <param name="width">Columns asked for, at least 1.</param>
    /// <param name="height">Rows asked for, at least 1.</param>
    /// <param name="mode">What to do when the shapes differ.</param>
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

    /// <summary>How the web UI brings a finished condition to a size: sides rounded half to even.</summary>
    /// <param name="sourceWidth">Columns of the source, at least 1.</param>
    /// <param name="sourceHeight">Rows of the source, at least 1.</param>
    /// <param name="width">Columns asked for, at least 1.</param>
    /// <param name="height">Rows asked for, at least 1.</param>
    /// <param name="mode">What to do when the shapes differ.</param>
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
        return new Geometry(sourceWidth, sourceHeight, scaled, (Middle(width, scaled.Item1), Middle(height, scaled.Item2)), (width, height), mode);

        static int Middle(int target, int scaled) => target >= scaled ? (target - scaled) / 2 : -((scaled - target) / 2);
    }

    /// <summary>
    /// The middle of an image, unscaled, as torchvision's CenterCrop takes it: the offset rounded half to even; a smaller image
    /// gets black around it, the odd pixel right and below.
    /// </summary>
    /// <param name="sourceWidth">Columns of the source, at least 1.</param>
    /// <param name="sourceHeight">Rows of the source, at least 1.</param>
    /// <param name="width">Columns asked for, at least 1.</param>
    /// <param name="height">Rows asked for, at least 1.</param>
    public static Geometry Centre(int sourceWidth, int sourceHeight, int width, int height)
    {
        Check(sourceWidth, sourceHeight, width, height);
        return Centre(sourceWidth, sourceHeight, (sourceWidth, sourceHeight), (width, height));
    }

    /// <summary>As images are prepared for training: the shorter side to the size, the longer in proportion (truncated), then the middle square.</summary>
    /// <param name="sourceWidth">Columns of the source, at least 1.</param>
    /// <param name="sourceHeight">Rows of the source, at least 1.</param>
    /// <param name="size">The side of the square, at least 1.</param>
    public static Geometry Training(int sourceWidth, int sourceHeight, int size)
    {
        Check(sourceWidth, sourceHeight, size, size);
        var scaled = sourceWidth <= sourceHeight
            ? (size, Side(Math.Floor((double)((long)size * sourceHeight) / sourceWidth)))
            : (Side(Math.Floor((double)((long)size * sourceWidth) / sourceHeight)), size);
        return Centre(sourceWidth, sourceHeight, scaled, (size, size));
    }

    /// <summary>Scaled to a size, then the last column and row repeated up to multiples of a step.</summary>
    internal static Geometry Padded(int sourceWidth, int sourceHeight, int width, int height, int step) =>
        new(sourceWidth, sourceHeight, (width, height), (0, 0), (checked((width + step - 1) / step * step), checked((height + step - 1) / step * step)), FitMode.Fill);

    /// <summary>Lays a scaled image at its place on the target.</summary>
    /// <param name="scaled">An image of the scaled size.</param>
    /// <param name="target">An image of the target's size with as many channels; what the scaled one does not cover stays.</param>
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
            scaled.Row(y - OffsetY)[((left - OffsetX) * channels)..((right - OffsetX) * channels)].CopyTo(target.Row(y)[(left * channels)..]);
    }

    /// <summary>The part of a target that shows the source: without padding and fill.</summary>
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

    /// <summary>Throws unless an image has the source's size.</summary>
    internal void ExpectSource(ImageBuffer image, string parameter) => Expect(image, SourceWidth, SourceHeight, parameter);

    private static void Expect(ImageBuffer image, int width, int height, string parameter)
    {
        if ((image.Width, image.Height) != (width, height))
            throw new ArgumentException($"The image is {image.Width}x{image.Height}, expected {width}x{height}.", parameter);
    }

    private static Geometry Centre(int sourceWidth, int sourceHeight, (int Width, int Height) scaled, (int Width, int Height) target) =>
        new(sourceWidth, sourceHeight, scaled, (Middle(target.Width, scaled.Width), Middle(target.Height, scaled.Height)), target, FitMode.Crop);

    private static int Middle(int target, int scaled) =>
        target >= scaled ? (target - scaled) / 2 : -(int)Math.Round((scaled - target) / 2.0);

    private static int Side(double side) => side switch
    {
        // An image a thousand times wider than high keeps at least a line.
        < 1 => 1,
        <= int.MaxValue => (int)Math.Round(side),
        _ => throw new ControlNetException($"A side of {side:0} pixels is more than an image can have: the source is too narrow for the size asked for."),
    };

    private static void Check(int sourceWidth, int sourceHeight, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sourceWidth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(sourceHeight, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
    }
}
