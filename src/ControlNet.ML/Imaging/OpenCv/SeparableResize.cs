using System.Buffers;

namespace ControlNet.ML.Imaging;

/// <summary>
/// OpenCV's resizing of 8-bit images with two, four or eight taps: a horizontal pass in integers
/// (<see cref="ResizeAcross"/>), then a vertical one (<see cref="ResizeBlends"/>).
/// </summary>
internal static class SeparableResize
{
    private delegate void Blend(ReadOnlySpan<int> ring, ReadOnlySpan<int> lines, ReadOnlySpan<short> weights, Span<byte> target);

    public static ImageBuffer Linear(ImageBuffer image, int width, int height) => Run(
        image, width, height, ResizeTaps.Linear(image.Width, width, true), ResizeTaps.Linear(image.Height, height, false),
        ResizeBlends.Two);

    public static ImageBuffer GrowingArea(ImageBuffer image, int width, int height) => Run(
        image, width, height, ResizeTaps.GrowingArea(image.Width, width, true), ResizeTaps.GrowingArea(image.Height, height, false),
        ResizeBlends.Two);

    public static ImageBuffer Cubic(ImageBuffer image, int width, int height) => Run(
        image, width, height, ResizeTaps.Cubic(image.Width, width), ResizeTaps.Cubic(image.Height, height), ResizeBlends.Four);

    public static ImageBuffer Lanczos4(ImageBuffer image, int width, int height) => Run(
        image, width, height, ResizeTaps.Lanczos4(image.Width, width), ResizeTaps.Lanczos4(image.Height, height), ResizeBlends.Eight);

    private static ImageBuffer Run(ImageBuffer image, int width, int height, ResizeTaps columns, ResizeTaps rows, Blend blend)
    {
        var result = ImageBuffer.Uninitialized(width, height, image.Channels);
        var (channels, count) = (image.Channels, rows.Count);
        var across = new ResizeAcross(columns, width, channels);
        var stride = RowVectors.Padded(width * channels);

        // Horizontally resized rows are kept for the next target row in a ring buffer.
        var ring = ArrayPool<int>.Shared.Rent(checked(count * stride));
        var source = ArrayPool<byte>.Shared.Rent(across.SourceLength(image.Width));
        try
        {
            Span<int> held = stackalloc int[count];
            Span<int> lines = stackalloc int[count];
            held.Fill(-1);
            for (var y = 0; y < height; y++)
            {
                for (var k = 0; k < count; k++)
                {
                    var row = Math.Clamp(rows.Starts[y] + k, 0, image.Height - 1);
                    var slot = row % count;
                    lines[k] = slot * stride;
                    if (held[slot] == row)
                        continue;
                    image.Row(row).CopyTo(source.AsSpan(count / 2 * channels));
                    RowVectors.RepeatEdges(source.AsSpan(), image.Width, channels, count / 2);
                    across.Apply(source, ring.AsSpan(lines[k], stride));
                    held[slot] = row;
                }

                blend(ring, lines, rows.Of(y), result.Row(y));
            }
        }
        finally
        {
            ArrayPool<int>.Shared.Return(ring);
            ArrayPool<byte>.Shared.Return(source);
        }

        return result;
    }
}
