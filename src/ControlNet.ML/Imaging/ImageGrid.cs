namespace ControlNet.ML.Imaging;

/// <summary>Several images on one sheet.</summary>
public static class ImageGrid
{
    /// <summary>
    /// Places images in rows, each at the top left of a cell as large as the largest image. The background is white and opaque;
    /// the sheet has as many channels as the image with the most.
    /// </summary>
    /// <param name="images">At least one image; sizes may differ.</param>
    /// <param name="columns">Images per row, at least 1.</param>
    /// <param name="gap">Pixels between cells, at least 0.</param>
    /// <returns>A new image.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are no images, columns are less than 1, or the gap is negative.</exception>
    public static ImageBuffer Compose(IReadOnlyList<ImageBuffer> images, int columns, int gap = 0)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfZero(images.Count, nameof(images));
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(gap);
        var (cellWidth, cellHeight, channels) = (images.Max(i => i.Width), images.Max(i => i.Height), images.Max(i => i.Channels));
        columns = Math.Min(columns, images.Count);
        var rows = (images.Count + columns - 1) / columns;
        var sheet = new ImageBuffer(
            checked((columns * (cellWidth + gap)) - gap), checked((rows * (cellHeight + gap)) - gap), channels);
        Array.Fill(sheet.Samples, byte.MaxValue);
        for (var i = 0; i < images.Count; i++)
        {
            var (image, x, y) = (images[i], i % columns * (cellWidth + gap), i / columns * (cellHeight + gap));
            for (var row = 0; row < image.Height; row++)
                Lay(image.Row(row), image.Channels, sheet.Row(y + row)[(x * channels)..], channels);
        }

        return sheet;
    }

    private static void Lay(ReadOnlySpan<byte> source, int from, Span<byte> target, int to)
    {
        if (from == to)
        {
            source.CopyTo(target);
            return;
        }

        for (int s = 0, t = 0; s < source.Length; s += from, t += to)
        {
            for (var c = 0; c < Math.Min(to, 3); c++)
                target[t + c] = source[s + (from == 1 ? 0 : c)];
        }
    }
}
