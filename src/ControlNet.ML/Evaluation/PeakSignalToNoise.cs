using ControlNet.ML.Imaging;

namespace ControlNet.ML.Evaluation;

/// <summary>The peak signal-to-noise ratio of two images.</summary>
public static class PeakSignalToNoise
{
    private const double Range = byte.MaxValue;

    /// <summary>Compares two images.</summary>
    /// <param name="a">The image.</param>
    /// <param name="b">The other, of the same size and channels.</param>
    /// <returns>10 log10(255² / mean squared error) in dB; infinite for equal images.</returns>
    /// <exception cref="ArgumentException">The images differ in size or channels.</exception>
    public static double Compare(ImageBuffer a, ImageBuffer b) => OfError(SquaredError(a, b));

    /// <summary>The mean of the squared differences of all samples, 0 to 255².</summary>
    internal static double SquaredError(ImageBuffer a, ImageBuffer b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if ((a.Width, a.Height, a.Channels) != (b.Width, b.Height, b.Channels))
            throw new ArgumentException($"The images are {a} and {b}, expected one size and the same channels.", nameof(b));
        var sum = 0L;
        for (var i = 0; i < a.Samples.Length; i++)
        {
            var difference = a.Samples[i] - b.Samples[i];
            sum += difference * difference;
        }

        return (double)sum / a.Samples.Length;
    }

    /// <summary>The ratio of a mean squared error, in dB.</summary>
    internal static double OfError(double error) => error == 0 ? double.PositiveInfinity : 10 * Math.Log10(Range * Range / error);
}
