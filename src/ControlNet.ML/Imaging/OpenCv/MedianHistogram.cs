using System.Buffers;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Medians of large squares in nearly constant time (Perreault and Hébert, Median Filtering in Constant Time, 2007).
/// Every column has a histogram of its samples around the current row; a square's histogram is the sum of its columns'. The coarse
/// histogram of 16 counts finds the sixteenth of the grey levels that contains the median; of the fine one, only that part is updated.
/// </summary>
internal static class MedianHistogram
{
    // Columns in a strip, whose histograms fit into the L2 cache.
    private const int Strip = 256;
    private const int Parts = 16;

    /// <summary>Computes medians.</summary>
    /// <param name="image">The image; its channels are independent.</param>
    /// <param name="reach">Half the square's side, rounded down, at most 127.</param>
    public static ImageBuffer Apply(ImageBuffer image, int reach)
    {
        var result = ImageBuffer.Uninitialized(image.Width, image.Height, image.Channels);
        var most = Math.Min(Strip, image.Width) + (2 * reach);
        var coarse = ArrayPool<Vector256<ushort>>.Shared.Rent(most);
        var fine = ArrayPool<Vector256<ushort>>.Shared.Rent(most * Parts);
        try
        {
            for (var channel = 0; channel < image.Channels; channel++)
            {
                for (var x = 0; x < image.Width; x += Strip)
                {
                    var width = Math.Min(Strip, image.Width - x);
                    var columns = width + (2 * reach);
                    new Columns(image, channel, x - reach, reach, coarse.AsSpan(0, columns), fine.AsSpan(0, columns * Parts))
                        .Run(x, width, result);
                }
            }
        }
        finally
        {
            ArrayPool<Vector256<ushort>>.Shared.Return(coarse);
            ArrayPool<Vector256<ushort>>.Shared.Return(fine);
        }

        return result;
    }

    /// <summary>
    /// The columns of a strip. Part p of the fine histogram of column c is at p * columns + c, so that a part's columns are adjacent.
    /// </summary>
    private readonly ref struct Columns(
        ImageBuffer image, int channel, int left, int reach, Span<Vector256<ushort>> coarse, Span<Vector256<ushort>> fine)
    {
        private readonly Span<Vector256<ushort>> _coarse = coarse;
        private readonly Span<Vector256<ushort>> _fine = fine;

        public void Run(int x, int width, ImageBuffer result)
        {
            _coarse.Clear();
            _fine.Clear();
            for (var k = -reach; k <= reach; k++)
                Count(k, 1);
            for (var y = 0; y < image.Height; y++)
            {
                if (y > 0)
                {
                    Count(y - reach - 1, -1);
                    Count(y + reach, 1);
                }

                TakeRow(width, result.Samples.AsSpan((((y * image.Width) + x) * image.Channels) + channel));
            }
        }

        // Adds a row's samples to their columns' histograms or removes them; rows and columns outside repeat the border.
        private void Count(int y, int change)
        {
            ReadOnlySpan<byte> row = image.Row(Math.Clamp(y, 0, image.Height - 1));
            var coarse = MemoryMarshal.Cast<Vector256<ushort>, ushort>(_coarse);
            var fine = MemoryMarshal.Cast<Vector256<ushort>, ushort>(_fine);
            for (var c = 0; c < _coarse.Length; c++)
            {
                var sample = row[(Math.Clamp(left + c, 0, image.Width - 1) * image.Channels) + channel];
                var part = sample / Parts;
                coarse[(c * Parts) + part] += (ushort)change;
                fine[(((part * _coarse.Length) + c) * Parts) + (sample % Parts)] += (ushort)change;
            }
        }

        private void TakeRow(int width, Span<byte> target)
        {
            // The sum of each part of the fine histogram, and the first column of that sum.
            Span<Vector256<ushort>> sums = stackalloc Vector256<ushort>[Parts];
            Span<int> starts = stackalloc int[Parts];
            var side = (2 * reach) + 1;
            starts.Fill(-side);
            var half = side * side / 2;
            var sum = Vector256<ushort>.Zero;
            for (var c = 0; c < side - 1; c++)
                sum += _coarse[c];
            for (var x = 0; x < width; x++)
            {
                sum += _coarse[x + side - 1];
                var rest = half;
                var part = Find(sum, ref rest);
                Update(_fine.Slice(part * _coarse.Length, _coarse.Length), x, side, ref sums[part], ref starts[part]);
                target[x * image.Channels] = (byte)((part * Parts) + Find(sums[part], ref rest));
                sum -= _coarse[x];
            }
        }

        // A recent sum of a part is shifted; an old one is recomputed.
        private static void Update(ReadOnlySpan<Vector256<ushort>> columns, int x, int side, ref Vector256<ushort> sum, ref int start)
        {
            var moved = sum;
            if (x - start <= side / 2)
            {
                for (var c = start; c < x; c++)
                    moved += columns[c + side] - columns[c];
            }
            else
            {
                moved = Vector256<ushort>.Zero;
                foreach (var column in columns.Slice(x, side))
                    moved += column;
            }

            (sum, start) = (moved, x);
        }

        /// <summary>The count that contains a rank; the rank becomes its remainder within that count.</summary>
        private static int Find(Vector256<ushort> counts, ref int place)
        {
            ReadOnlySpan<ushort> each = MemoryMarshal.Cast<Vector256<ushort>, ushort>(new ReadOnlySpan<Vector256<ushort>>(in counts));
            var i = 0;
            for (; place >= each[i]; i++)
                place -= each[i];
            return i;
        }
    }
}
