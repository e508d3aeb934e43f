using ControlNet.ML.Notebooks;

namespace ControlNet.ML.Imaging;

/// <summary>
/// An image in memory: rows, then columns, then channels, one byte per sample (0 to 255).
/// One channel is grey, three are R, G, B, four R, G, B, A with alpha not premultiplied.
/// </summary>
[TypeFormatterSource(typeof(ImageFormatters), PreferredMimeTypes = ["text/html"])]
public sealed class ImageBuffer
{
    /// <summary>Creates a black image.</summary>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="channels">1, 3 or 4.</param>
    public ImageBuffer(int width, int height, int channels)
        : this(width, height, channels, new byte[Check(width, height, channels)])
    {
    }

    /// <summary>Wraps samples without copying them.</summary>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="channels">1, 3 or 4.</param>
    /// <param name="samples">Exactly width x height x channels bytes.</param>
    /// <exception cref="ArgumentException">The samples do not fill the image.</exception>
    public ImageBuffer(int width, int height, int channels, byte[] samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        var count = Check(width, height, channels);
        if (samples.Length != count)
            throw new ArgumentException(
                $"{samples.Length} samples do not fill {width}x{height}x{channels}, expected {count}.", nameof(samples));
        Width = width;
        Height = height;
        Channels = channels;
        Samples = samples;
    }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Samples per pixel: 1 (grey), 3 (RGB) or 4 (RGBA).</summary>
    public int Channels { get; }

    /// <summary>All samples. Shared, not copied.</summary>
    public byte[] Samples { get; }

    /// <summary>
    /// The grey values of an image with more than 8 bits per sample, 0 to 65,535, of the same size, which the conditions that scale
    /// depths read. <see cref="ImageCodec"/> sets it from 16-bit PNG files; colors are converted as in <see cref="Color.Grey"/>, alpha is
    /// not applied. <see cref="Color.OverWhite"/> and <see cref="ImageFit"/> keep it, other operations drop it.
    /// </summary>
    /// <value>Null: only the 8-bit samples.</value>
    /// <exception cref="ArgumentException">It has another size.</exception>
    public FloatMap? Deep
    {
        get;
        init => field = value is null || (value.Width == Width && value.Height == Height)
            ? value
            : throw new ArgumentException($"The deep values are {value}, expected {Width}x{Height}.", nameof(value));
    }

    /// <summary>The samples of one row, as a view.</summary>
    /// <param name="y">The row, from 0 at the top.</param>
    /// <returns>Width times channels samples.</returns>
    public Span<byte> Row(int y) => Samples.AsSpan(y * Width * Channels, Width * Channels);

    /// <summary>The size as text, <c>640x480x3</c>.</summary>
    public override string ToString() => $"{Width}x{Height}x{Channels}";

    /// <summary>Whether all pixels are fully opaque.</summary>
    internal bool IsOpaque => Channels != 4 || AreOpaque(Samples);

    /// <summary>Whether all pixels of four samples, alpha last, are fully opaque.</summary>
    internal static bool AreOpaque(ReadOnlySpan<byte> pixels)
    {
        for (var i = 3; i < pixels.Length; i += 4)
        {
            if (pixels[i] != byte.MaxValue)
                return false;
        }

        return true;
    }

    /// <summary>The same samples, not copied, with deep values.</summary>
    internal ImageBuffer With(FloatMap? deep) =>
        deep is null && Deep is null ? this : new ImageBuffer(Width, Height, Channels, Samples) { Deep = deep };

    /// <summary>Creates an image with uninitialised samples: clearing a large image takes as long as some filters.</summary>
    internal static ImageBuffer Uninitialized(int width, int height, int channels)
    {
        var samples = GC.AllocateUninitializedArray<byte>(Check(width, height, channels));
        HugePages.Advise(samples);
        return new ImageBuffer(width, height, channels, samples);
    }

    private static int Check(int width, int height, int channels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (channels is not (1 or 3 or 4))
            throw new ArgumentOutOfRangeException(nameof(channels), channels, "An image has 1, 3 or 4 channels.");
        return width <= Array.MaxLength / height / channels
            ? width * height * channels
            : throw new ArgumentOutOfRangeException(
                nameof(width),
                width,
                $"An image of {width}x{height} with {channels} channels is larger than memory can hold in one piece.");
    }
}
