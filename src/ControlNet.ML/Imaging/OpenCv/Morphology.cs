namespace ControlNet.ML.Imaging;

/// <summary>Morphology with 3x3 neighbourhoods as in OpenCV: pixels outside the image are ignored. Channels are independent.</summary>
public static class Morphology
{
    /// <summary>A 3x3 neighbourhood with all nine pixels.</summary>
    public static IReadOnlyList<(int X, int Y)> Square { get; } = [
        (-1, -1), (0, -1), (1, -1), (-1, 0), (0, 0), (1, 0), (-1, 1), (0, 1), (1, 1)];

    /// <summary>Each sample becomes the largest of its neighbours (cv2.dilate).</summary>
    /// <param name="image">The image.</param>
    /// <param name="neighbours">Offsets of the neighbours, (0, 0) being the pixel itself; null for <see cref="Square"/>.</param>
    /// <returns>A new image of the same size.</returns>
    public static ImageBuffer Dilate(ImageBuffer image, IReadOnlyList<(int X, int Y)>? neighbours = null) =>
        Apply(image, neighbours ?? Square, 0, Math.Max);

    /// <summary>Each sample becomes the smallest of its neighbours (cv2.erode).</summary>
    /// <param name="image">The image.</param>
    /// <param name="neighbours">Offsets of the neighbours, (0, 0) being the pixel itself; null for <see cref="Square"/>.</param>
    /// <returns>A new image of the same size.</returns>
    public static ImageBuffer Erode(ImageBuffer image, IReadOnlyList<(int X, int Y)>? neighbours = null) =>
        Apply(image, neighbours ?? Square, byte.MaxValue, Math.Min);

    /// <summary>
    /// Non-maximum suppression of soft edges: a sample stays if it is the largest of three along at least one
    /// of the four directions, otherwise it becomes 0.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <returns>A new image of the same size.</returns>
    public static ImageBuffer SuppressNonMaxima(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var result = new ImageBuffer(image.Width, image.Height, image.Channels);
        ReadOnlySpan<(int X, int Y)> directions = [(1, 0), (0, 1), (1, 1), (1, -1)];
        foreach (var (x, y) in directions)
        {
            var largest = Dilate(image, [(-x, -y), (0, 0), (x, y)]);
            for (var i = 0; i < largest.Samples.Length; i++)
            {
                if (largest.Samples[i] == image.Samples[i])
                    result.Samples[i] = image.Samples[i];
            }
        }

        return result;
    }

    private static ImageBuffer Apply(ImageBuffer image, IReadOnlyList<(int X, int Y)> neighbours, byte start, Func<byte, byte, byte> choose)
    {
        ArgumentNullException.ThrowIfNull(image);
        var (width, height, channels) = (image.Width, image.Height, image.Channels);
        var result = new ImageBuffer(width, height, channels);
        for (var y = 0; y < height; y++)
        {
            var target = result.Row(y);
            target.Fill(start);
            foreach (var (dx, dy) in neighbours)
            {
                if (y + dy < 0 || y + dy >= height)
                    continue;
                var source = image.Row(y + dy);
                var shift = dx * channels;
                var end = Math.Min(target.Length, target.Length - shift);
                for (var i = Math.Max(0, -shift); i < end; i++)
                    target[i] = choose(target[i], source[i + shift]);
            }
        }

        return result;
    }
}
