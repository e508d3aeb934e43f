using System.Buffers;

namespace ControlNet.ML.Imaging;

/// <summary>
/// OpenCV's resizing of 8-bit pictures with two, four or eight taps: a horizontal pass in integers,
/// then a vertical one whose rounding each interpolation does in its own way.
/// </summary>
internal static class SeparableResize
{
    private delegate void Blend(ReadOnlySpan<int> lines, int stride, ReadOnlySpan<int> weights, Span<byte> target);

    public static ImageBuffer Linear(ImageBuffer image, int width, int height) => Run(
        image, width, height, ResizeTaps.Linear(image.Width, width, true), ResizeTaps.Linear(image.Height, height, false), BlendTwo);

    public static ImageBuffer GrowingArea(ImageBuffer image, int width, int height) => Run(
        image, width, height, ResizeTaps.GrowingArea(image.Width, width, true), ResizeTaps.GrowingArea(image.Height, height, false), BlendTwo);

    public static ImageBuffer Cubic(ImageBuffer image, int width, int height) => Run(
        image, width, height, ResizeTaps.Cubic(image.Width, width), ResizeTaps.Cubic(image.Height, height), BlendFour);

    public static ImageBuffer Lanczos4(ImageBuffer image, int width, int height) => Run(
        image, width, height, ResizeTaps.Lanczos4(image.Width, width), ResizeTaps.Lanczos4(image.Height, height), BlendInIntegers);

    private static ImageBuffer Run(ImageBuffer image, int width, int height, ResizeTaps columns, ResizeTaps rows, Blend blend)
    {
        var result = new ImageBuffer(width, height, image.Channels);
        var (count, stride) = (rows.Count, width * image.Channels);

        // Rows already passed horizontally wait for the next target row in a ring; "ordered" has them in the taps' order.
        var scratch = ArrayPool<int>.Shared.Rent(checked(2 * count * stride));
        try
        {
            var ring = scratch.AsSpan(0, count * stride);
            var ordered = scratch.AsSpan(count * stride, count * stride);
            Span<int> held = stackalloc int[count];
            held.Fill(-1);
            for (var y = 0; y < height; y++)
            {
                for (var k = 0; k < count; k++)
                {
                    var row = rows.Sources[(y * count) + k];
                    var slot = row % count;
                    var line = ring.Slice(slot * stride, stride);
                    if (held[slot] != row)
                    {
                        PassRow(image.Row(row), image.Channels, columns, line);
                        held[slot] = row;
                    }

                    line.CopyTo(ordered[(k * stride)..]);
                }

                blend(ordered, stride, rows.Weights.AsSpan(y * count, count), result.Row(y));
            }
        }
        finally
        {
            ArrayPool<int>.Shared.Return(scratch);
        }

        return result;
    }

    private static void PassRow(ReadOnlySpan<byte> source, int channels, ResizeTaps taps, Span<int> target)
    {
        var count = taps.Count;
        for (int x = 0, i = 0; i < target.Length; x += count)
        {
            var positions = taps.Sources.AsSpan(x, count);
            var weights = taps.Weights.AsSpan(x, count);
            for (var c = 0; c < channels; c++, i++)
            {
                var sum = 0;
                for (var k = 0; k < positions.Length; k++)
                    sum += source[(positions[k] * channels) + c] * weights[k];
                target[i] = sum;
            }
        }
    }

    // Each product loses its low bits before the sum: that is how OpenCV keeps them in 16 bits.
    private static void BlendTwo(ReadOnlySpan<int> lines, int stride, ReadOnlySpan<int> weights, Span<byte> target)
    {
        var first = lines[..stride];
        var second = lines.Slice(stride, stride);
        var (a, b) = (weights[0], weights[1]);
        for (var i = 0; i < target.Length; i++)
            target[i] = (byte)((((a * (first[i] >> 4)) >> 16) + ((b * (second[i] >> 4)) >> 16) + 2) >> 2);
    }

    // OpenCV's vector code works on eight samples in float32; what is left at the end of a row goes through integers.
    private static void BlendFour(ReadOnlySpan<int> lines, int stride, ReadOnlySpan<int> weights, Span<byte> target)
    {
        const float Unit = 1f / (1 << 22);
        var whole = target.Length & ~7;
        var r0 = lines[..stride];
        var r1 = lines.Slice(stride, stride);
        var r2 = lines.Slice(2 * stride, stride);
        var r3 = lines.Slice(3 * stride, stride);
        var (c0, c1, c2, c3) = (weights[0] * Unit, weights[1] * Unit, weights[2] * Unit, weights[3] * Unit);
        for (var i = 0; i < whole; i++)
        {
            var sum = (r0[i] * c0) + ((r1[i] * c1) + ((r2[i] * c2) + (r3[i] * c3)));
            target[i] = (byte)Math.Clamp(MathF.Round(sum), 0, 255);
        }

        BlendInIntegers(lines[whole..], stride, weights, target[whole..]);
    }

    private static void BlendInIntegers(ReadOnlySpan<int> lines, int stride, ReadOnlySpan<int> weights, Span<byte> target)
    {
        for (var i = 0; i < target.Length; i++)
        {
            var sum = 1 << 21;
            for (var k = 0; k < weights.Length; k++)
                sum += lines[(k * stride) + i] * weights[k];
            target[i] = (byte)Math.Clamp(sum >> 22, 0, 255);
        }
    }
}
