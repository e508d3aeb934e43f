using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace ControlNet.ML.Imaging;

/// <summary>
/// A symmetric blur of 8-bit pictures in integers, weights in 256ths. Nothing is rounded between the passes, so their order is free:
/// columns come first, straight from the picture, and their sums of at most 255 * 256 fit 16 bits. What lies as far to one side as to
/// the other shares a product.
/// </summary>
internal static class FixedPointBlur
{
    /// <summary>Blurs; borders are mirrored without repeating the edge.</summary>
    /// <param name="image">The picture; its channels are independent.</param>
    /// <param name="across">Weights along a row, an odd number, the same from both ends, none negative, 256 together.</param>
    /// <param name="down">Weights along a column, likewise.</param>
    public static ImageBuffer Apply(ImageBuffer image, ReadOnlySpan<int> across, ReadOnlySpan<int> down)
    {
        var result = ImageBuffer.Uninitialized(image.Width, image.Height, image.Channels);
        var (width, height, channels) = (image.Width, image.Height, image.Channels);
        var (reach, depth) = (across.Length / 2, down.Length / 2);
        var sums = ArrayPool<int>.Shared.Rent(RowVectors.Padded((width + (2 * reach)) * channels));
        var rows = ArrayPool<int>.Shared.Rent(down.Length);
        try
        {
            for (var y = 0; y < height; y++)
            {
                for (var k = 0; k < down.Length; k++)
                    rows[k] = RowVectors.Mirror(y + k - depth, height) * width * channels;
                SumColumns(image.Samples, rows.AsSpan(0, down.Length), down, sums.AsSpan(reach * channels, RowVectors.Padded(width * channels)));
                RowVectors.MirrorEdges(sums.AsSpan(), width, channels, reach);
                SumRow(sums, channels, across, result.Row(y));
            }
        }
        finally
        {
            ArrayPool<int>.Shared.Return(sums);
            ArrayPool<int>.Shared.Return(rows);
        }

        return result;
    }

    private static void SumColumns(ReadOnlySpan<byte> samples, ReadOnlySpan<int> rows, ReadOnlySpan<int> weights, Span<int> sums)
    {
        var centre = weights.Length / 2;
        for (var i = 0; i < sums.Length - Vector<byte>.Count; i += Vector<byte>.Count)
        {
            Vector.Widen(RowVectors.Load(samples[(rows[centre] + i)..]), out var lowerSum, out var upperSum);
            lowerSum *= (ushort)weights[centre];
            upperSum *= (ushort)weights[centre];
            for (int above = 0, below = weights.Length - 1; above < below; above++, below--)
            {
                var weight = (ushort)weights[above];
                if (weight == 0)
                    continue;
                Vector.Widen(RowVectors.Load(samples[(rows[above] + i)..]), out var lowerAbove, out var upperAbove);
                Vector.Widen(RowVectors.Load(samples[(rows[below] + i)..]), out var lowerBelow, out var upperBelow);
                lowerSum += (lowerAbove + lowerBelow) * weight;
                upperSum += (upperAbove + upperBelow) * weight;
            }

            var target = MemoryMarshal.Cast<int, Vector<uint>>(sums.Slice(i, Vector<byte>.Count))[..4];
            Vector.Widen(lowerSum, out target[0], out target[1]);
            Vector.Widen(upperSum, out target[2], out target[3]);
        }
    }

    private static void SumRow(ReadOnlySpan<int> sums, int channels, ReadOnlySpan<int> weights, Span<byte> target)
    {
        var centre = weights.Length / 2;
        for (var i = 0; i < target.Length; i += Vector<byte>.Count)
        {
            var middle = Vectors(sums, i + (centre * channels));
            var half = new Vector<int>(1 << 15);
            var (a, b) = ((middle[0] * weights[centre]) + half, (middle[1] * weights[centre]) + half);
            var (c, d) = ((middle[2] * weights[centre]) + half, (middle[3] * weights[centre]) + half);
            for (var k = 0; k < centre; k++)
            {
                if (weights[k] == 0)
                    continue;
                var weight = new Vector<int>(weights[k]);
                var left = Vectors(sums, i + (k * channels));
                var right = Vectors(sums, i + ((weights.Length - 1 - k) * channels));
                a += (left[0] + right[0]) * weight;
                b += (left[1] + right[1]) * weight;
                c += (left[2] + right[2]) * weight;
                d += (left[3] + right[3]) * weight;
            }

            RowVectors.Store(a >>> 16, b >>> 16, c >>> 16, d >>> 16, target, i);
        }
    }

    private static ReadOnlySpan<Vector<int>> Vectors(ReadOnlySpan<int> row, int i) =>
        MemoryMarshal.Cast<int, Vector<int>>(row.Slice(i, Vector<byte>.Count))[..4];
}
