using System.Buffers;
using System.Numerics.Tensors;

namespace ControlNet.ML.Imaging;

/// <summary>
/// A separable filter of float samples, first along the rows, then along the columns; borders are reflected without repeating the edge
/// pixel (reflect-101), repeatedly if needed.
/// </summary>
internal static class SeparableFilter
{
    /// <summary>
    /// Filters samples. Products are summed one by one from the first weight on, so that every machine computes the same sums.
    /// </summary>
    /// <param name="samples">Height x width x channels values.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="channels">Samples per pixel.</param>
    /// <param name="across">Weights along a row, an odd number.</param>
    /// <param name="down">Weights along a column, an odd number.</param>
    /// <returns>As many samples.</returns>
    public static float[] Apply(
        ReadOnlySpan<float> samples, int width, int height, int channels, ReadOnlySpan<float> across, ReadOnlySpan<float> down)
    {
        var result = new float[samples.Length];
        var (length, reach, depth) = (width * channels, across.Length / 2, down.Length / 2);

        // The rows that a column's weights span are kept in a ring buffer; a reflected row is the same row again.
        var slots = Math.Min(down.Length, height);
        var padded = ArrayPool<float>.Shared.Rent(checked((width + (2 * reach)) * channels));
        var ring = ArrayPool<float>.Shared.Rent(checked(slots * length));
        try
        {
            var ready = 0;
            for (var y = 0; y < height; y++)
            {
                for (; ready <= Math.Min(y + depth, height - 1); ready++)
                {
                    samples.Slice(ready * length, length).CopyTo(padded.AsSpan(reach * channels));
                    RowVectors.MirrorEdges(padded.AsSpan(), width, channels, reach);
                    var row = ring.AsSpan(ready % slots * length, length);
                    row.Clear();
                    for (var k = 0; k < across.Length; k++)
                        TensorPrimitives.MultiplyAdd(padded.AsSpan(k * channels, length), across[k], row, row);
                }

                var sum = result.AsSpan(y * length, length);
                for (var k = 0; k < down.Length; k++)
                {
                    var row = RowVectors.Mirror(y + k - depth, height);
                    TensorPrimitives.MultiplyAdd(ring.AsSpan(row % slots * length, length), down[k], sum, sum);
                }
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(padded);
            ArrayPool<float>.Shared.Return(ring);
        }

        return result;
    }
}
