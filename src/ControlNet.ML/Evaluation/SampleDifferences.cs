using ControlNet.ML.Imaging;

namespace ControlNet.ML.Evaluation;

/// <summary>How samples of two images differ.</summary>
/// <param name="Max">The largest difference, 0 to 255 levels.</param>
/// <param name="Share">The share of samples that differ at all, 0 to 1.</param>
public sealed record SampleDifferences(int Max, double Share)
{
    /// <summary>Compares two images.</summary>
    /// <param name="a">The image.</param>
    /// <param name="b">The other, of the same size and channels.</param>
    /// <returns>The differences.</returns>
    /// <exception cref="ArgumentException">The images differ in size or channels.</exception>
    public static SampleDifferences Compare(ImageBuffer a, ImageBuffer b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if ((a.Width, a.Height, a.Channels) != (b.Width, b.Height, b.Channels))
            throw new ArgumentException($"The images are {a} and {b}, expected one size and the same channels.", nameof(b));
        var (max, differing) = (0, 0L);
        for (var i = 0; i < a.Samples.Length; i++)
        {
            var difference = Math.Abs(a.Samples[i] - b.Samples[i]);
            max = Math.Max(max, difference);
            differing += difference > 0 ? 1 : 0;
        }

        return new SampleDifferences(max, (double)differing / a.Samples.Length);
    }
}
