namespace ControlNet.ML.Imaging;

/// <summary>Black and white by a level.</summary>
public static class Threshold
{
    // OpenCV's FLT_EPSILON: a class with less of the pixels than this counts as empty.
    private const double Empty = 1.1920929e-7;

    /// <summary>255 where a sample is above the level, else 0.</summary>
    /// <param name="image">The image; its channels are independent.</param>
    /// <param name="level">0 to 255.</param>
    /// <returns>A new image of the same size.</returns>
    public static ImageBuffer Apply(ImageBuffer image, byte level)
    {
        ArgumentNullException.ThrowIfNull(image);
        var result = new ImageBuffer(image.Width, image.Height, image.Channels);
        for (var i = 0; i < result.Samples.Length; i++)
            result.Samples[i] = image.Samples[i] > level ? byte.MaxValue : byte.MinValue;
        return result;
    }

    /// <summary>Otsu's level, the first that parts the samples into the two classes with the largest variance between them (cv2.THRESH_OTSU).</summary>
    /// <param name="image">One channel.</param>
    public static byte Otsu(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.Channels != 1)
            throw new ArgumentException($"Otsu's level is that of one channel; the image is {image}.", nameof(image));
        var histogram = new int[256];
        foreach (var sample in image.Samples)
            histogram[sample]++;

        var scale = 1.0 / image.Samples.Length;
        var mean = 0.0;
        for (var level = 0; level < histogram.Length; level++)
            mean += level * (double)histogram[level];
        mean *= scale;

        var (best, largest) = (0, 0.0);
        var (below, share) = (0.0, 0.0);
        for (var level = 0; level < histogram.Length; level++)
        {
            var part = histogram[level] * scale;
            below *= share;
            share += part;
            var rest = 1 - share;
            if (Math.Min(share, rest) < Empty || Math.Max(share, rest) > 1 - Empty)
                continue;
            below = (below + (level * part)) / share;
            var above = (mean - (share * below)) / rest;
            var variance = share * rest * (below - above) * (below - above);
            if (variance > largest)
                (best, largest) = (level, variance);
        }

        return (byte)best;
    }
}
