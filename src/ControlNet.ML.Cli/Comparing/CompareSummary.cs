namespace ControlNet.ML.Cli.Comparing;

/// <summary>The distances of all images together.</summary>
/// <param name="Images">The number of images.</param>
/// <param name="Failed">How many of them could not be compared.</param>
/// <param name="Psnr">The peak signal-to-noise ratio of the mean squared error of all images, in dB; null if all are equal.</param>
/// <param name="LowestPsnr">That of the worst image.</param>
/// <param name="MeanSsim">The mean structural similarity; null if all images are too small for it.</param>
/// <param name="LowestSsim">That of the worst image.</param>
/// <param name="Max">The largest difference of a sample, in levels.</param>
/// <param name="Differing">The mean share of samples that differ.</param>
internal sealed record CompareSummary(
    int Images, int Failed, double? Psnr, double? LowestPsnr, double? MeanSsim, double? LowestSsim, int Max, double Differing);
