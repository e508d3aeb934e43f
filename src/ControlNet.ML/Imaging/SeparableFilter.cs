using System.Numerics;
using System.Numerics.Tensors;

namespace ControlNet.ML.Imaging;

/// <summary>A filter that goes along the rows, then along the columns; borders are mirrored without repeating the edge pixel (reflect-101), as often as needed.</summary>
internal static class SeparableFilter
{
    /// <summary>Filters samples.</summary>
    /// <param name="read">Writes one row of the source, width x channels samples.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="channels">Samples a pixel.</param>
    /// <param name="across">Weights along a row, an odd number.</param>
    /// <param name="down">Weights along a column, an odd number.</param>
    /// <param name="write">Takes one row of the result.</param>
    public static void Apply<T>(
        RowReader<T> read, int width, int height, int channels, ReadOnlySpan<T> across, ReadOnlySpan<T> down, RowWriter<T> write)
        where T : struct, INumber<T>
    {
        var length = width * channels;
        var (reach, depth) = (across.Length / 2, down.Length / 2);
        var padded = new T[(width + (2 * reach)) * channels];

        // The rows that a column's weights span, in a ring; a mirrored row is the same row again.
        var rows = new Dictionary<int, T[]>();
        var spare = new Stack<T[]>();
        var sum = new T[length];
        for (var y = 0; y < height; y++)
        {
            sum.AsSpan().Clear();
            var needed = new HashSet<int>();
            for (var k = -depth; k <= depth; k++)
            {
                var at = Mirror(y + k, height);
                needed.Add(at);
                if (!rows.TryGetValue(at, out var row))
                    rows[at] = row = Across(at, spare.TryPop(out var free) ? free : new T[length], across);
                TensorPrimitives.MultiplyAdd(row, down[k + depth], sum, sum);
            }

            write(y, sum);
            foreach (var old in rows.Keys.Where(at => !needed.Contains(at)).ToArray())
            {
                spare.Push(rows[old]);
                rows.Remove(old);
            }
        }

        T[] Across(int y, T[] row, ReadOnlySpan<T> weights)
        {
            var inside = padded.AsSpan(reach * channels, length);
            read(y, inside);
            for (var k = 1; k <= reach; k++)
            {
                inside.Slice(Mirror(-k, width) * channels, channels).CopyTo(padded.AsSpan((reach - k) * channels, channels));
                inside.Slice(Mirror(width - 1 + k, width) * channels, channels).CopyTo(padded.AsSpan((reach + width - 1 + k) * channels, channels));
            }

            row.AsSpan().Clear();
            for (var k = 0; k < weights.Length; k++)
                TensorPrimitives.MultiplyAdd(padded.AsSpan(k * channels, length), weights[k], row, row);
            return row;
        }
    }

    /// <summary>Where a place outside 0..size-1 lies when the picture is mirrored at its edges.</summary>
    internal static int Mirror(int at, int size)
    {
        if (size == 1)
            return 0;
        var period = 2 * (size - 1);
        at = ((at % period) + period) % period;
        return at < size ? at : period - at;
    }
}

/// <summary>Gives one row of samples.</summary>
internal delegate void RowReader<T>(int y, Span<T> row);

/// <summary>Takes one row of samples.</summary>
internal delegate void RowWriter<T>(int y, ReadOnlySpan<T> row);
