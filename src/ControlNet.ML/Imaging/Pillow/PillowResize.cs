using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Resizing, bit for bit as in Pillow's Image.resize: the filter widens when an image shrinks, which prevents aliasing.
/// Images with alpha are premultiplied internally, so that the color of transparent pixels does not bleed.
/// </summary>
public static class PillowResize
{
    /// <summary>Resizes an image, or a part of it.</summary>
    /// <param name="image">The image, 1, 3 or 4 channels.</param>
    /// <param name="width">Columns of the result, at least 1.</param>
    /// <param name="height">Rows of the result, at least 1.</param>
    /// <param name="filter">The filter.</param>
    /// <param name="box">The part to take, inside the image; null for all of it. An empty part takes the pixels around it.</param>
    /// <param name="order">The order of the passes.</param>
    /// <returns>A new image of the requested size.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A side is less than 1, or the part is not inside the image.</exception>
    public static ImageBuffer Apply(
        ImageBuffer image, int width, int height, PillowFilter filter, PillowBox? box = null,
        PillowPassOrder order = PillowPassOrder.ByShape)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        var whole = new PillowBox(0, 0, image.Width, image.Height);
        var part = box ?? whole;
        if (!(part.Left >= 0 && part.Top >= 0 && part.Left <= part.Right && part.Top <= part.Bottom
            && part.Right <= image.Width && part.Bottom <= image.Height))
            throw new ArgumentOutOfRangeException(nameof(box), box, $"The part must lie inside the image of {image}.");

        if (part == whole && (width, height) == (image.Width, image.Height))
            return new ImageBuffer(width, height, image.Channels, (byte[])image.Samples.Clone());
        if (filter == PillowFilter.Nearest)
            return Nearest(image, width, height, part);
        return image.Channels == 4
            ? Unpremultiply(Filter(Premultiply(image), width, height, filter, part, order))
            : Filter(image, width, height, filter, part, order);
    }

    private static ImageBuffer Filter(ImageBuffer image, int width, int height, PillowFilter filter, PillowBox part, PillowPassOrder order)
    {
        // A pass that does not resize is skipped: its rounding would change samples.
        var across = width != image.Width || part.Left != 0 || part.Right != width
            ? new PillowCoefficients(filter, image.Width, part.Left, part.Right, width)
            : null;
        var down = height != image.Height || part.Top != 0 || part.Bottom != height
            ? new PillowCoefficients(filter, image.Height, part.Top, part.Bottom, height)
            : null;
        var verticalFirst = order switch
        {
            PillowPassOrder.ByShape => height < image.Height && image.Height - (long)height > 2 * (image.Width - (long)width),
            PillowPassOrder.HorizontalFirst => false,
            PillowPassOrder.VerticalFirst => true,
            _ => throw new ArgumentOutOfRangeException(nameof(order), order, "Not an order."),
        };
        return verticalFirst
            ? Horizontal(Vertical(image, height, down), width, across)
            : Vertical(Horizontal(image, width, across), height, down);
    }

    private static ImageBuffer Horizontal(ImageBuffer image, int width, PillowCoefficients? coefficients)
    {
        if (coefficients is null)
            return image;
        var channels = image.Channels;
        var result = new ImageBuffer(width, image.Height, channels);
        for (var y = 0; y < image.Height; y++)
        {
            var source = image.Row(y);
            var target = result.Row(y);
            if (channels == 3 && image.Width > 1)
            {
                HorizontalRgb(source, target, coefficients);
                continue;
            }

            for (int x = 0, i = 0; x < width; x++)
            {
                var weights = coefficients.At(x, out var first);
                for (var c = 0; c < channels; c++, i++)
                {
                    var sum = 1 << (PillowCoefficients.Places - 1);
                    for (var (k, s) = (0, (first * channels) + c); k < weights.Length; k++, s += channels)
                        sum += source[s] * weights[k];
                    target[i] = Clip(sum);
                }
            }
        }

        return result;
    }

    /// <summary>A row of RGB pixels: the three sums of a pixel side by side in a vector.</summary>
    private static void HorizontalRgb(ReadOnlySpan<byte> source, Span<byte> target, PillowCoefficients coefficients)
    {
        const int channels = 3;
        for (int x = 0, i = 0; i < target.Length; x++, i += channels)
        {
            var weights = coefficients.At(x, out var first);
            var sums = Vector128.Create(1 << (PillowCoefficients.Places - 1));
            for (var k = 0; k < weights.Length; k++)
                sums += Pixel(source, (first + k) * channels) * weights[k];
            (target[i], target[i + 1], target[i + 2]) = (Clip(sums[0]), Clip(sums[1]), Clip(sums[2]));
        }

        // Four bytes are read for three: those of the last pixel begin one byte earlier.
        static Vector128<int> Pixel(ReadOnlySpan<byte> source, int at)
        {
            var isLast = at + sizeof(uint) > source.Length;
            var bytes = BinaryPrimitives.ReadUInt32LittleEndian(source[(isLast ? at - 1 : at)..]) >> (isLast ? 8 : 0);
            return Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(bytes).AsByte())).AsInt32();
        }
    }

    private static ImageBuffer Vertical(ImageBuffer image, int height, PillowCoefficients? coefficients)
    {
        if (coefficients is null)
            return image;
        var result = new ImageBuffer(image.Width, height, image.Channels);
        var sums = new int[image.Width * image.Channels];
        for (var y = 0; y < height; y++)
        {
            var weights = coefficients.At(y, out var first);
            Array.Fill(sums, 1 << (PillowCoefficients.Places - 1));
            for (var k = 0; k < weights.Length; k++)
            {
                var weight = weights[k];
                var source = image.Row(first + k);
                var i = 0;
                for (; i <= sums.Length - Vector256<int>.Count; i += Vector256<int>.Count)
                {
                    var bytes = Vector128.CreateScalarUnsafe(BinaryPrimitives.ReadUInt64LittleEndian(source[i..])).AsByte();
                    var (low, high) = Vector128.Widen(Vector128.WidenLower(bytes));
                    (Vector256.Create<int>(sums.AsSpan(i)) + (Vector256.Create(low, high).AsInt32() * weight)).CopyTo(sums, i);
                }

                for (; i < sums.Length; i++)
                    sums[i] += source[i] * weight;
            }

            var target = result.Row(y);
            for (var i = 0; i < sums.Length && i < target.Length; i++)
                target[i] = Clip(sums[i]);
        }

        return result;
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> PillowCoefficients.Places, 0, 255);

    private static ImageBuffer Nearest(ImageBuffer image, int width, int height, PillowBox part)
    {
        var channels = image.Channels;
        var result = new ImageBuffer(width, height, channels);
        var columns = Positions(part.Left, part.Right, width, image.Width);
        var rows = Positions(part.Top, part.Bottom, height, image.Height);
        for (var y = 0; y < height; y++)
        {
            var source = image.Row(rows[y]);
            var target = result.Row(y);
            for (var x = 0; x < width; x++)
                source.Slice(columns[x] * channels, channels).CopyTo(target[(x * channels)..]);
        }

        return result;
    }

    // Pillow accumulates the step instead of multiplying, and the rounding of the sum affects some pixels.
    internal static int[] Positions(float from, float to, int target, int source)
    {
        var positions = new int[target];
        var step = (double)(to - from) / target;
        var at = from + (step * 0.5);
        for (var t = 0; t < target; t++, at += step)
            positions[t] = Math.Clamp((int)at, 0, source - 1);
        return positions;
    }

    private static ImageBuffer Premultiply(ImageBuffer image)
    {
        var result = new ImageBuffer(image.Width, image.Height, 4);
        for (var i = 0; i < image.Samples.Length; i += 4)
        {
            var alpha = image.Samples[i + 3];
            for (var c = 0; c < 3; c++)
            {
                var product = (image.Samples[i + c] * alpha) + 128;
                result.Samples[i + c] = (byte)(((product >> 8) + product) >> 8);
            }

            result.Samples[i + 3] = alpha;
        }

        return result;
    }

    // In place: the image is the filter's own.
    private static ImageBuffer Unpremultiply(ImageBuffer image)
    {
        var samples = image.Samples;
        for (var i = 0; i < samples.Length; i += 4)
        {
            var alpha = samples[i + 3];
            if (alpha is 0 or 255)
                continue;
            for (var c = 0; c < 3; c++)
                samples[i + c] = (byte)Math.Min(samples[i + c] * 255 / alpha, 255);
        }

        return image;
    }
}
