using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ControlNet.ML.Imaging;

/// <summary>
/// OpenCV's INTER_AREA when both sides shrink: every target pixel is the mean of the source area that it covers.
/// Integer ratios sum blocks (<see cref="AreaBlocks"/>); others weight partially covered cells, in float32, rows first.
/// </summary>
internal static class AreaResize
{
    public static ImageBuffer Apply(ImageBuffer image, int width, int height)
    {
        if (image.Width % width == 0 && image.Height % height == 0)
            return AreaBlocks.Apply(image, width, height);
        var result = ImageBuffer.Uninitialized(width, height, image.Channels);
        Weigh<byte>(image.Samples, image.Width, image.Height, image.Channels, width, height, (y, sums) => Round(sums, result.Row(y)));
        return result;
    }

    /// <summary>The weighted means of float samples; integer ratios are not a special case here.</summary>
    public static float[] Apply(ReadOnlySpan<float> source, int sourceWidth, int sourceHeight, int channels, int width, int height)
    {
        var length = width * channels;
        var result = new float[checked(length * height)];
        Weigh(source, sourceWidth, sourceHeight, channels, width, height, (y, sums) => sums[..length].CopyTo(result.AsSpan(y * length)));
        return result;
    }

    private static void Weigh<T>(
        ReadOnlySpan<T> samples, int sourceWidth, int sourceHeight, int channels, int width, int height, RowWriter write)
        where T : unmanaged
    {
        var columns = new AreaCells(sourceWidth, width);
        var rows = new AreaCells(sourceHeight, height);
        var (from, to) = (RowVectors.Padded(sourceWidth * channels), RowVectors.Padded(width * channels));
        var scratch = ArrayPool<float>.Shared.Rent(checked(from + (2 * to)));
        try
        {
            var source = scratch.AsSpan(0, from);
            var line = scratch.AsSpan(from, to);
            var sums = scratch.AsSpan(from + to, to);
            var held = -1;
            for (var y = 0; y < height; y++)
            {
                sums.Clear();
                var row = rows.Start(y);
                foreach (var weight in rows.Weights(y))
                {
                    // The last row of one target row may be the first of the next.
                    if (held != row)
                    {
                        Read(samples.Slice(row * sourceWidth * channels, sourceWidth * channels), source);
                        AddCells(source, channels, columns, width, line);
                        held = row;
                    }

                    AddRow(line, weight, sums);
                    row++;
                }

                write(y, sums);
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(scratch);
        }
    }

    private static void Read<T>(ReadOnlySpan<T> samples, Span<float> row)
        where T : unmanaged
    {
        if (typeof(T) == typeof(byte))
            RowVectors.Widen(MemoryMarshal.Cast<T, byte>(samples), row);
        else
            MemoryMarshal.Cast<T, float>(samples).CopyTo(row);
    }

    // One pixel at a time, four samples each; the surplus ones are overwritten by the next pixel.
    private static void AddCells(ReadOnlySpan<float> source, int channels, AreaCells cells, int width, Span<float> line)
    {
        for (var x = 0; x < width; x++)
        {
            var pixels = source[(cells.Start(x) * channels)..];
            var weights = cells.Weights(x);
            for (var c = 0; c < channels; c += Vector128<float>.Count)
            {
                var sum = Vector128<float>.Zero;
                for (var k = 0; k < weights.Length; k++)
                    sum += Vector128.Create(pixels[((k * channels) + c)..]) * weights[k];
                sum.CopyTo(line[((x * channels) + c)..]);
            }
        }
    }

    private static void AddRow(ReadOnlySpan<float> line, float weight, Span<float> sums)
    {
        for (var i = 0; i <= sums.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(sums[i..]) + (new Vector<float>(line[i..]) * weight)).CopyTo(sums[i..]);
    }

    private static void Round(ReadOnlySpan<float> sums, Span<byte> row)
    {
        var n = Vector<float>.Count;
        for (var i = 0; i < row.Length; i += 4 * n)
            RowVectors.Store(Level(sums[i..]), Level(sums[(i + n)..]), Level(sums[(i + (2 * n))..]), Level(sums[(i + (3 * n))..]), row, i);

        static Vector<int> Level(ReadOnlySpan<float> sums) => RowVectors.Level(new Vector<float>(sums));
    }

    private delegate void RowWriter(int y, ReadOnlySpan<float> sums);
}
