using ControlNet.ML.Imaging;

namespace ControlNet.ML.Evaluation;

/// <summary>
/// The structural similarity (SSIM) of two images, as Wang et al. (2004) define it and scikit-image computes it with
/// <c>gaussian_weights=True, sigma=1.5, use_sample_covariance=False</c>: means and covariances in windows of 11x11 pixels with Gaussian
/// weights, averaged over all windows inside the image and over the channels.
/// </summary>
public static class StructuralSimilarity
{
    /// <summary>The shortest side of an image, in pixels.</summary>
    public const int Window = 11;

    private const double Sigma = 1.5, Range = byte.MaxValue;
    private const double C1 = 0.01 * Range * 0.01 * Range, C2 = 0.03 * Range * 0.03 * Range;

    // Means of a, b, a², b² and ab.
    private const int Moments = 5;

    private static readonly double[] Weights = Gaussian();

    /// <summary>Compares two images.</summary>
    /// <param name="a">The image, with sides of at least <see cref="Window"/> pixels.</param>
    /// <param name="b">The other, of the same size and channels.</param>
    /// <returns>-1 to 1; 1 for equal images.</returns>
    /// <exception cref="ArgumentException">The images differ in size or channels, or are smaller than a window.</exception>
    public static double Compare(ImageBuffer a, ImageBuffer b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if ((a.Width, a.Height, a.Channels) != (b.Width, b.Height, b.Channels))
            throw new ArgumentException($"The images are {a} and {b}, expected one size and the same channels.", nameof(b));
        if (a.Width < Window || a.Height < Window)
            throw new ArgumentException($"The images are {a}, expected sides of at least {Window} pixels.", nameof(a));
        return Enumerable.Range(0, a.Channels).Average(channel => OfChannel(a, b, channel));
    }

    private static double OfChannel(ImageBuffer a, ImageBuffer b, int channel)
    {
        // The rows of one window, each filtered across: row y is at y modulo the window.
        var width = a.Width - Window + 1;
        var rows = new double[Window][];
        var sum = 0.0;
        for (var y = 0; y < a.Height; y++)
        {
            Across(a, b, channel, y, rows[y % Window] ??= new double[Moments * width]);
            if (y >= Window - 1)
                sum += OfRow(rows, y - Window + 1, width);
        }

        return sum / ((double)width * (a.Height - Window + 1));
    }

    private static void Across(ImageBuffer a, ImageBuffer b, int channel, int y, double[] means)
    {
        Array.Clear(means);
        var (width, start) = (means.Length / Moments, (y * a.Width * a.Channels) + channel);
        for (var k = 0; k < Window; k++)
        {
            for (var x = 0; x < width; x++)
            {
                var at = start + ((x + k) * a.Channels);
                double p = a.Samples[at], q = b.Samples[at], weight = Weights[k];
                means[x] += weight * p;
                means[width + x] += weight * q;
                means[(2 * width) + x] += weight * p * p;
                means[(3 * width) + x] += weight * q * q;
                means[(4 * width) + x] += weight * p * q;
            }
        }
    }

    private static double OfRow(double[][] rows, int first, int width)
    {
        var sum = 0.0;
        Span<double> mean = stackalloc double[Moments];
        for (var x = 0; x < width; x++)
        {
            mean.Clear();
            for (var k = 0; k < Window; k++)
            {
                var row = rows[(first + k) % Window];
                for (var moment = 0; moment < Moments; moment++)
                    mean[moment] += Weights[k] * row[(moment * width) + x];
            }

            var (ua, ub) = (mean[0], mean[1]);
            var (va, vb, vab) = (mean[2] - (ua * ua), mean[3] - (ub * ub), mean[4] - (ua * ub));
            sum += ((2 * ua * ub) + C1) * ((2 * vab) + C2) / (((ua * ua) + (ub * ub) + C1) * (va + vb + C2));
        }

        return sum;
    }

    private static double[] Gaussian()
    {
        var weights = Enumerable.Range(-(Window / 2), Window).Select(x => Math.Exp(-0.5 * x * x / (Sigma * Sigma))).ToArray();
        var sum = weights.Sum();
        return [.. weights.Select(weight => weight / sum)];
    }
}
