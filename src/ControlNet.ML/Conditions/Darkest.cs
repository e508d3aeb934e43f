using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Thresholds on the darkest channel of each pixel.</summary>
internal static class Darkest
{
    /// <summary>255 where the darkest channel satisfies a predicate, otherwise 0.</summary>
    /// <param name="image">The image; alpha is composited on white.</param>
    /// <param name="fits">The predicate.</param>
    public static ImageBuffer Map(ImageBuffer image, Func<int, bool> fits)
    {
        var colors = Color.Hwc3(image);
        var result = new ImageBuffer(image.Width, image.Height, 1);
        for (var i = 0; i < result.Samples.Length; i++)
        {
            var darkest = Math.Min(colors.Samples[3 * i], Math.Min(colors.Samples[(3 * i) + 1], colors.Samples[(3 * i) + 2]));
            result.Samples[i] = fits(darkest) ? byte.MaxValue : byte.MinValue;
        }

        return result;
    }

    /// <summary>The smallest of three channels of float samples.</summary>
    /// <param name="samples">The samples.</param>
    /// <param name="pixel">Index of the pixel.</param>
    public static float Of(ReadOnlySpan<float> samples, int pixel) =>
        Math.Min(samples[3 * pixel], Math.Min(samples[(3 * pixel) + 1], samples[(3 * pixel) + 2]));
}
