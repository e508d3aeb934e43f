using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Comparing;

/// <summary>The distance of two images.</summary>
/// <param name="Name">The image's file name, or the prompt's row number.</param>
/// <param name="Prompt">The prompt that both were generated from, or null.</param>
/// <param name="SquaredError">The mean squared error of the samples; null after a failure, as are the others.</param>
/// <param name="Ssim">The structural similarity; null for images that are smaller than its window, too.</param>
/// <param name="Max">The largest difference of a sample, in levels.</param>
/// <param name="Differing">The share of samples that differ.</param>
/// <param name="Error">Why there is no distance, or null.</param>
internal sealed record ComparedImage(
    string Name, string? Prompt, double? SquaredError, double? Ssim, int? Max, double? Differing, string? Error)
{
    /// <summary>The peak signal-to-noise ratio in dB; infinite for equal images.</summary>
    public double? Psnr => SquaredError is { } error ? PeakSignalToNoise.OfError(error) : null;

    /// <summary>Compares two images; transparent parts count as white.</summary>
    /// <exception cref="ControlNetException">They differ in size.</exception>
    public static ComparedImage Of(string name, string? prompt, ImageBuffer a, ImageBuffer b)
    {
        if (a.Channels != 1 || b.Channels != 1)
            (a, b) = (Color.Hwc3(a), Color.Hwc3(b));
        if ((a.Width, a.Height) != (b.Width, b.Height))
            throw new ControlNetException($"{name}: the images are {a.Width}x{a.Height} and {b.Width}x{b.Height}, expected one size.");
        var differences = SampleDifferences.Compare(a, b);
        var hasWindow = a.Width >= StructuralSimilarity.Window && a.Height >= StructuralSimilarity.Window;
        return new ComparedImage(
            name,
            prompt,
            PeakSignalToNoise.SquaredError(a, b),
            hasWindow ? StructuralSimilarity.Compare(a, b) : null,
            differences.Max,
            differences.Share,
            null);
    }

    /// <summary>Images that cannot be compared.</summary>
    public static ComparedImage Failed(string name, string? prompt, string error) => new(name, prompt, null, null, null, null, error);
}
