using ControlNet.ML.Notebooks;

namespace ControlNet.ML.Imaging;

/// <summary>
/// A picture in memory: rows first, then columns, then channels, one byte a sample (0 to 255).
/// One channel is grey, three are R, G, B, four R, G, B, A with alpha not premultiplied.
/// </summary>
[TypeFormatterSource(typeof(PictureFormatters), PreferredMimeTypes = ["text/html"])]
public sealed class ImageBuffer
{
    /// <summary>Creates a black picture.</summary>
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
    public ImageBuffer(int width, int height, int channels, byte[] samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        var count = Check(width, height, channels);
        if (samples.Length != count)
            throw new ArgumentException($"{samples.Length} samples do not fill {width}x{height}x{channels}, expected {count}.", nameof(samples));
        Width = width;
        Height = height;
        Channels = channels;
        Samples = samples;
    }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Samples a pixel: 1 (grey), 3 (RGB) or 4 (RGBA).</summary>
    public int Channels { get; }

    /// <summary>All samples. Shared, not copied.</summary>
    public byte[] Samples { get; }

    /// <summary>The samples of one row, as a view.</summary>
    /// <param name="y">Which row, from 0 at the top.</param>
    public Span<byte> Row(int y) => Samples.AsSpan(y * Width * Channels, Width * Channels);

    /// <summary>The size as text, <c>640x480x3</c>.</summary>
    public override string ToString() => $"{Width}x{Height}x{Channels}";

    /// <summary>A picture to be filled: its samples hold anything until then. Clearing a large one takes as long as some filters.</summary>
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
            throw new ArgumentOutOfRangeException(nameof(channels), channels, "A picture has 1, 3 or 4 channels.");
        return width <= Array.MaxLength / height / channels
            ? width * height * channels
            : throw new ArgumentOutOfRangeException(nameof(width), width, $"A picture of {width}x{height} with {channels} channels is larger than memory can hold in one piece.");
    }
}
