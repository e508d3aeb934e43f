using System.Buffers.Binary;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Resizing of 8-bit images, bit for bit as in OpenCV 4.12 (its own code, without Intel's IPP). Channels are independent:
/// alpha is not premultiplied. For Pillow's resizing, which antialiases, see <see cref="PillowResize"/>.
/// </summary>
public static class Resize
{
    /// <summary>Resizes an image; at its own size the result is a copy, for every interpolation.</summary>
    /// <param name="image">The image, 1, 3 or 4 channels.</param>
    /// <param name="width">Columns of the result, at least 1.</param>
    /// <param name="height">Rows of the result, at least 1.</param>
    /// <param name="interpolation">The interpolation.</param>
    /// <returns>A new image of the requested size.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A side is less than 1, or the interpolation is unknown.</exception>
    public static ImageBuffer Apply(ImageBuffer image, int width, int height, Interpolation interpolation)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if ((width, height) == (image.Width, image.Height))
            return new ImageBuffer(width, height, image.Channels, (byte[])image.Samples.Clone());

        var shrinks = width <= image.Width && height <= image.Height;
        var halves = width * 2L == image.Width && height * 2L == image.Height;
        return interpolation switch
        {
            Interpolation.Nearest => Nearest(image, width, height),
            Interpolation.Linear when halves => AreaResize.Apply(image, width, height),
            Interpolation.Area when shrinks => AreaResize.Apply(image, width, height),
            Interpolation.Linear => SeparableResize.Linear(image, width, height),
            Interpolation.Area => SeparableResize.GrowingArea(image, width, height),
            Interpolation.Cubic => SeparableResize.Cubic(image, width, height),
            Interpolation.Lanczos4 => SeparableResize.Lanczos4(image, width, height),
            _ => throw new ArgumentOutOfRangeException(nameof(interpolation), interpolation, "Not an interpolation."),
        };
    }

    /// <summary>Source pixels per target pixel. OpenCV divides twice, and the second rounding affects results.</summary>
    internal static double Scale(int source, int target) => 1 / ((double)target / source);

    private static ImageBuffer Nearest(ImageBuffer image, int width, int height)
    {
        var channels = image.Channels;
        var result = ImageBuffer.Uninitialized(width, height, channels);
        var (scaleX, scaleY) = (Scale(image.Width, width), Scale(image.Height, height));
        var columns = new int[width];
        for (var x = 0; x < width; x++)
            columns[x] = Math.Min((int)(x * scaleX), image.Width - 1) * channels;

        var held = -1;
        for (var y = 0; y < height; y++)
        {
            var row = Math.Min((int)(y * scaleY), image.Height - 1);
            if (row == held)
                result.Row(y - 1).CopyTo(result.Row(y));
            else
                Pick(image.Row(row), columns, channels, result.Row(y));
            held = row;
        }

        return result;
    }

    private static void Pick(ReadOnlySpan<byte> source, int[] columns, int channels, Span<byte> target)
    {
        if (channels == 1)
        {
            for (var x = 0; x < columns.Length; x++)
                target[x] = source[columns[x]];
            return;
        }

        // Four bytes at a time; with three channels the fourth is overwritten by the next pixel, so the last pixels are copied one by one.
        var whole = columns.Length - 1;
        while (whole > 0 && columns[whole - 1] + 4 > source.Length)
            whole--;
        var (i, at) = (0, 0);
        for (; at < whole; at++, i += channels)
            BinaryPrimitives.WriteUInt32LittleEndian(target[i..], BinaryPrimitives.ReadUInt32LittleEndian(source[columns[at]..]));
        for (; at < columns.Length; at++, i += channels)
            source.Slice(columns[at], channels).CopyTo(target[i..]);
    }
}
