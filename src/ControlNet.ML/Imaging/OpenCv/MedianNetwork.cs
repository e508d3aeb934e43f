using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Medians of 3x3 and 5x5 squares by minima and maxima of whole vectors. The columns of a square are sorted first, which neighbouring
/// squares share, then its rows: after that each sample is not below any sample to its left or above it, and only those near the rising
/// diagonal can be the median.
/// </summary>
internal static class MedianNetwork
{
    /// <summary>Computes medians.</summary>
    /// <param name="image">The image; its channels are independent.</param>
    /// <param name="size">3 or 5.</param>
    public static ImageBuffer Apply(ImageBuffer image, int size)
    {
        var result = ImageBuffer.Uninitialized(image.Width, image.Height, image.Channels);
        var (width, channels, reach) = (image.Width, image.Channels, size / 2);
        var stride = RowVectors.Padded((width + (2 * reach)) * channels);
        var scratch = ArrayPool<byte>.Shared.Rent(checked(size * stride));
        try
        {
            for (var y = 0; y < image.Height; y++)
            {
                var ranks = new Ranks(scratch, stride, channels);
                if (size == 3)
                    SortThree(image, y, ranks);
                else
                    SortFive(image, y, ranks);
                for (var rank = 0; rank < size; rank++)
                    RowVectors.RepeatEdges(ranks[rank], width, channels, reach);
                if (size == 3)
                    MedianOfNine(ranks, result.Row(y));
                else
                    MedianOfTwentyFive(ranks, result.Row(y));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }

        return result;
    }

    private static void SortThree(ImageBuffer image, int y, Ranks ranks)
    {
        ReadOnlySpan<byte> above = Row(image, y - 1), here = Row(image, y), below = Row(image, y + 1);
        for (var i = 0; i < here.Length; i += Vector<byte>.Count)
        {
            var (a, b, c) = (RowVectors.Load(above[i..]), RowVectors.Load(here[i..]), RowVectors.Load(below[i..]));
            Sort(ref a, ref b);
            Sort(ref b, ref c);
            Sort(ref a, ref b);
            ranks.Store(0, i, 1, a);
            ranks.Store(1, i, 1, b);
            ranks.Store(2, i, 1, c);
        }
    }

    private static void SortFive(ImageBuffer image, int y, Ranks ranks)
    {
        ReadOnlySpan<byte> r0 = Row(image, y - 2), r1 = Row(image, y - 1), r2 = Row(image, y), r3 = Row(image, y + 1),
        r4 = Row(image, y + 2);
        for (var i = 0; i < r2.Length; i += Vector<byte>.Count)
        {
            var (a, b, c) = (RowVectors.Load(r0[i..]), RowVectors.Load(r1[i..]), RowVectors.Load(r2[i..]));
            var (d, e) = (RowVectors.Load(r3[i..]), RowVectors.Load(r4[i..]));
            Sort(ref a, ref b, ref c, ref d, ref e);
            ranks.Store(0, i, 2, a);
            ranks.Store(1, i, 2, b);
            ranks.Store(2, i, 2, c);
            ranks.Store(3, i, 2, d);
            ranks.Store(4, i, 2, e);
        }
    }

    // The median of: the maximum of the minima, the median of the medians, the minimum of the maxima.
    private static void MedianOfNine(Ranks ranks, Span<byte> target)
    {
        for (var i = 0; i < target.Length; i += Vector<byte>.Count)
        {
            var least = Vector.Max(Vector.Max(ranks.Load(0, i, 0), ranks.Load(0, i, 1)), ranks.Load(0, i, 2));
            var middle = Middle(ranks.Load(1, i, 0), ranks.Load(1, i, 1), ranks.Load(1, i, 2));
            var greatest = Vector.Min(Vector.Min(ranks.Load(2, i, 0), ranks.Load(2, i, 1)), ranks.Load(2, i, 2));
            RowVectors.Store(Middle(least, middle, greatest), target, i);
        }
    }

    // On the diagonal every sample may be the median; just before it only the maximum of four, just after it only the minimum.
    private static void MedianOfTwentyFive(Ranks ranks, Span<byte> target)
    {
        for (var i = 0; i < target.Length; i += Vector<byte>.Count)
        {
            ranks.Load(4, i, out var a, out var b, out var c, out var d, out var e);
            Sort(ref a, ref b, ref c, ref d, ref e);
            var (diagonal0, behind) = (a, b);
            ranks.Load(3, i, out a, out b, out c, out d, out e);
            Sort(ref a, ref b, ref c, ref d, ref e);
            var (before, diagonal1) = (a, b);
            behind = Vector.Min(behind, c);
            ranks.Load(2, i, out a, out b, out c, out d, out e);
            Sort(ref a, ref b, ref c, ref d, ref e);
            before = Vector.Max(before, b);
            var diagonal2 = c;
            behind = Vector.Min(behind, d);
            ranks.Load(1, i, out a, out b, out c, out d, out e);
            Sort(ref a, ref b, ref c, ref d, ref e);
            before = Vector.Max(before, c);
            var diagonal3 = d;
            behind = Vector.Min(behind, e);
            ranks.Load(0, i, out a, out b, out c, out d, out e);
            Sort(ref a, ref b, ref c, ref d, ref e);
            before = Vector.Max(before, d);
            RowVectors.Store(MiddleOfSeven(before, diagonal0, diagonal1, diagonal2, diagonal3, e, behind), target, i);
        }
    }

    // Among more than half of the samples, neither the minimum nor the maximum can be the median of all.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<byte> MiddleOfSeven(
        Vector<byte> a, Vector<byte> b, Vector<byte> c, Vector<byte> d, Vector<byte> e, Vector<byte> f, Vector<byte> g)
    {
        // Of five: a becomes the minimum, e the maximum.
        Sort(ref a, ref b);
        Sort(ref c, ref d);
        Sort(ref a, ref c);
        Sort(ref b, ref d);
        Sort(ref a, ref e);
        Sort(ref d, ref e);

        // Of b, c, d and f.
        Sort(ref b, ref c);
        Sort(ref d, ref f);
        Sort(ref b, ref d);
        Sort(ref c, ref f);
        return Middle(c, d, g);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<byte> Middle(Vector<byte> a, Vector<byte> b, Vector<byte> c)
    {
        Sort(ref a, ref b);
        return Vector.Max(a, Vector.Min(b, c));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sort(ref Vector<byte> a, ref Vector<byte> b, ref Vector<byte> c, ref Vector<byte> d, ref Vector<byte> e)
    {
        Sort(ref a, ref b);
        Sort(ref d, ref e);
        Sort(ref c, ref e);
        Sort(ref c, ref d);
        Sort(ref b, ref e);
        Sort(ref a, ref d);
        Sort(ref a, ref c);
        Sort(ref b, ref d);
        Sort(ref b, ref c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sort(ref Vector<byte> a, ref Vector<byte> b) => (a, b) = (Vector.Min(a, b), Vector.Max(a, b));

    private static Span<byte> Row(ImageBuffer image, int y) => image.Row(Math.Clamp(y, 0, image.Height - 1));

    /// <summary>The columns' samples by rank, a row each, with margins.</summary>
    private readonly ref struct Ranks(Span<byte> rows, int stride, int channels)
    {
        private readonly Span<byte> _rows = rows;

        public Span<byte> this[int rank] => _rows.Slice(rank * stride, stride);

        public void Store(int rank, int i, int reach, Vector<byte> samples) => samples.CopyTo(this[rank][(i + (reach * channels))..]);

        public Vector<byte> Load(int rank, int i, int column) => new(this[rank][(i + (column * channels))..]);

        public void Load(
            int rank, int i, out Vector<byte> a, out Vector<byte> b, out Vector<byte> c, out Vector<byte> d, out Vector<byte> e) =>
            (a, b, c, d, e) = (Load(rank, i, 0), Load(rank, i, 1), Load(rank, i, 2), Load(rank, i, 3), Load(rank, i, 4));
    }
}
