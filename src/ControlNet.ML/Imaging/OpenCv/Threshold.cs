namespace ControlNet.ML.Imaging;

/// <summary>Binary thresholds.</summary>
public static class Threshold
{
    // OpenCV's FLT_EPSILON: a class with a smaller share of the pixels counts as empty.
    private const double Empty = 1.1920929e-7;

    /// <summary>255 where a sample is above the level, otherwise 0.</summary>
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

    /// <summary>Otsu's threshold: the first level with the maximum variance between the two classes (cv2.THRESH_OTSU).</summary>
    /// <param name="image">One channel.</param>
    /// <returns>The threshold.</returns>
    /// <exception cref="ArgumentException">The image has several channels.</exception>
    public static byte Otsu(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.Channels != 1)
            throw new ArgumentException($"The image is {image}, expected one channel.", nameof(image));
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
