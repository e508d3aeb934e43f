using ControlNet.ML.Imaging;

namespace ControlNet.ML.Evaluation;

/// <summary>The overlap of two silhouettes, and the silhouette of a subject on a plain background.</summary>
public static class MaskOverlap
{
    /// <summary>Intersection over union, 0 to 1; 1 if both are empty.</summary>
    /// <param name="a">One channel; inside where it is above 127.</param>
    /// <param name="b">The other mask, of the same size.</param>
    /// <returns>The ratio.</returns>
    /// <exception cref="ArgumentException">The masks differ in size, or have several channels.</exception>
    public static double Iou(ImageBuffer a, ImageBuffer b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.Width != b.Width || a.Height != b.Height || a.Channels != 1 || b.Channels != 1)
            throw new ArgumentException($"The masks are {a} and {b}, expected one size and one channel.", nameof(b));
        var (both, either) = (0, 0);
        for (var i = 0; i < a.Samples.Length; i++)
        {
            var (inA, inB) = (a.Samples[i] > 127, b.Samples[i] > 127);
            both += inA && inB ? 1 : 0;
            either += inA || inB ? 1 : 0;
        }

        return either == 0 ? 1 : (double)both / either;
    }

    /// <summary>
    /// The silhouette of a subject on a plain background: the background's color is the median of the image's border, and every pixel that
    /// is not connected to the border through pixels of about that color is inside. So holes in the subject count as inside.
    /// </summary>
    /// <param name="image">Three channels.</param>
    /// <param name="tolerance">The maximum difference of a background pixel's channel from the background color, 0 to 255.</param>
    /// <returns>One channel: 255 inside, 0 outside.</returns>
    /// <exception cref="ArgumentException">The image does not have three channels, or the tolerance is negative.</exception>
    public static ImageBuffer Silhouette(ImageBuffer image, int tolerance = 40)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfNegative(tolerance);
        if (image.Channels != 3)
            throw new ArgumentException($"The image is {image}, expected three channels.", nameof(image));
        var (width, height) = (image.Width, image.Height);
        var border = Enumerable.Range(0, width * height)
            .Where(at => at % width == 0 || at % width == width - 1 || at / width == 0 || at / width == height - 1).ToArray();
        var ground = Enumerable.Range(0, 3).Select(c => Median([.. border.Select(at => image.Samples[(3 * at) + c])])).ToArray();

        var silhouette = new ImageBuffer(width, height, 1);
        Array.Fill(silhouette.Samples, byte.MaxValue);
        var open = new Stack<int>(border);
        while (open.TryPop(out var at))
        {
            if (silhouette.Samples[at] == 0 || !IsGround(at))
                continue;
            silhouette.Samples[at] = 0;
            var (x, y) = (at % width, at / width);
            if (x > 0)
                open.Push(at - 1);
            if (x < width - 1)
                open.Push(at + 1);
            if (y > 0)
                open.Push(at - width);
            if (y < height - 1)
                open.Push(at + width);
        }

        return silhouette;

        bool IsGround(int at) => Enumerable.Range(0, 3).All(c => Math.Abs(image.Samples[(3 * at) + c] - ground[c]) <= tolerance);

        static byte Median(byte[] values)
        {
            Array.Sort(values);
            return values[values.Length / 2];
        }
    }
}
