namespace ControlNet.ML.Evaluation;

/// <summary>All distances between the features of two sets of images.</summary>
/// <param name="Frechet">FID.</param>
/// <param name="Kernel">KID, which has no bias for few images.</param>
/// <param name="Manifold">Precision, recall, density, coverage.</param>
public sealed record DistributionMetrics(FrechetDistance Frechet, KernelDistance Kernel, ManifoldAgreement Manifold)
{
    private const int LargestSubset = 1000;

    /// <summary>Computes all distances; KID over 100 subsets of half of the images, at most 1,000, and the manifold for k = 3.</summary>
    /// <param name="real">The features of the real images.</param>
    /// <param name="generated">The features of the generated images.</param>
    /// <param name="seed">Seed of KID's subsets.</param>
    /// <returns>The distances.</returns>
    /// <exception cref="ArgumentException">The features are of different extractors, or a set has fewer than four images.</exception>
    public static DistributionMetrics Of(FeatureSet real, FeatureSet generated, ulong seed = 0) => new(
        FrechetDistance.Compute(real, generated),
        KernelDistance.Compute(
            real, generated, size: Math.Clamp(Math.Min(real.Count, generated.Count) / 2, 2, LargestSubset), seed: seed),
        ManifoldAgreement.Compute(real, generated));
}
