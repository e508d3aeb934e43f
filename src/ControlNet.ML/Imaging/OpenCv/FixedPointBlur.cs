using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace ControlNet.ML.Imaging;

/// <summary>
/// A symmetric blur of 8-bit images in integers, weights in 256ths. Nothing is rounded between the passes, so their order is free:
/// columns come first, directly from the image, and their sums of at most 255 * 256 fit into 16 bits. Samples at equal distances on both
/// sides share a multiplication.
/// </summary>
internal static class FixedPointBlur
{
    /// <summary>Blurs; borders are reflected without repeating the edge.</summary>
    /// <param name="image">The image; its channels are independent.</param>
    /// <param name="across">Weights along a row: an odd number, symmetric, not negative, with the sum 256.</param>
    /// <param name="down">Weights along a column, likewise.</param>
    public static ImageBuffer Apply(ImageBuffer image, ReadOnlySpan<int> across, ReadOnlySpan<int> down)
    {
        var result = ImageBuffer.Uninitialized(image.Width, image.Height, image.Channels);
        var (width, height, channels) = (image.Width, image.Height, image.Channels);
        var (reach, depth) = (across.Length / 2, down.Length / 2);
        var (columns, rows) = (new Pair[reach], new Pair[depth]);
        var inRow = Pairs(across, columns, place => place * channels);
        var sums = ArrayPool<int>.Shared.Rent(RowVectors.Padded((width + (2 * reach)) * channels));
        try
        {
            for (var y = 0; y < height; y++)
            {
                var inColumn = Pairs(down, rows, place => RowVectors.Mirror(y + place - depth, height) * width * channels);
                SumColumns(
                    image.Samples,
                    y * width * channels,
                    down[depth],
                    inColumn,
                    sums.AsSpan(reach * channels, RowVectors.Padded(width * channels)));
                RowVectors.MirrorEdges(sums.AsSpan(), width, channels, reach);
                SumRow(sums, reach * channels, across[reach], inRow, result.Row(y));
            }
        }
        finally
        {
            ArrayPool<int>.Shared.Return(sums);
        }

        return result;
    }

    /// <summary>The offsets of each pair; pairs of weight 0 are skipped.</summary>
    private static ReadOnlySpan<Pair> Pairs(ReadOnlySpan<int> weights, Pair[] pairs, Func<int, int> offset)
    {
        var count = 0;
        for (var k = 0; k < weights.Length / 2; k++)
        {
            if (weights[k] != 0)
                pairs[count++] = new Pair(offset(k), offset(weights.Length - 1 - k), weights[k]);
        }

        return pairs.AsSpan(0, count);
    }

    private static void SumColumns(ReadOnlySpan<byte> samples, int centre, int weight, ReadOnlySpan<Pair> pairs, Span<int> sums)
    {
        for (var i = 0; i < sums.Length - Vector<byte>.Count; i += Vector<byte>.Count)
        {
            Vector.Widen(RowVectors.Load(samples[(centre + i)..]), out var lowerSum, out var upperSum);
            lowerSum *= (ushort)weight;
            upperSum *= (ushort)weight;
            foreach (ref readonly var pair in pairs)
            {
                Vector.Widen(RowVectors.Load(samples[(pair.First + i)..]), out var lowerAbove, out var upperAbove);
                Vector.Widen(RowVectors.Load(samples[(pair.Second + i)..]), out var lowerBelow, out var upperBelow);
                var share = new Vector<ushort>((ushort)pair.Weight);
                lowerSum += (lowerAbove + lowerBelow) * share;
                upperSum += (upperAbove + upperBelow) * share;
            }

            var target = MemoryMarshal.Cast<int, Vector<uint>>(sums.Slice(i, Vector<byte>.Count))[..4];
            Vector.Widen(lowerSum, out target[0], out target[1]);
            Vector.Widen(upperSum, out target[2], out target[3]);
        }
    }

    private static void SumRow(ReadOnlySpan<int> sums, int centre, int weight, ReadOnlySpan<Pair> pairs, Span<byte> target)
    {
        for (var i = 0; i < target.Length; i += Vector<byte>.Count)
        {
            var middle = Vectors(sums, i + centre);
            var half = new Vector<int>(1 << 15);
            var (a, b, c, d) = (
                (middle[0] * weight) + half, (middle[1] * weight) + half, (middle[2] * weight) + half, (middle[3] * weight) + half);
            foreach (ref readonly var pair in pairs)
            {
                var left = Vectors(sums, i + pair.First);
                var right = Vectors(sums, i + pair.Second);
                var share = new Vector<int>(pair.Weight);
                a += (left[0] + right[0]) * share;
                b += (left[1] + right[1]) * share;
                c += (left[2] + right[2]) * share;
                d += (left[3] + right[3]) * share;
            }

            RowVectors.Store(a >>> 16, b >>> 16, c >>> 16, d >>> 16, target, i);
        }
    }

    private static ReadOnlySpan<Vector<int>> Vectors(ReadOnlySpan<int> row, int i) =>
        MemoryMarshal.Cast<int, Vector<int>>(row.Slice(i, Vector<byte>.Count))[..4];

    private readonly record struct Pair(int First, int Second, int Weight);
}
