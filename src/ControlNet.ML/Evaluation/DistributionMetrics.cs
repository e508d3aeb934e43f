namespace ControlNet.ML.Evaluation;

/// <summary>All distances between the features of two sets of images.</summary>
/// <param name="Frechet">FID.</param>
/// <param name="Kernel">KID, which has no bias for few images.</param>
/// <param name="Manifold">Precision, recall, density, coverage.</param>
public sealed record DistributionMetrics(FrechetDistance Frechet, KernelDistance Kernel, ManifoldAgreement Manifold)
{
    /// <summary>Computes all distances.</summary>
    /// <param name="real">The features of the real images.</param>
    /// <param name="generated">The features of the generated images.</param>
    /// <param name="seed">Seed of KID's subsets.</param>
    /// <returns>The distances.</returns>
    /// <exception cref="ArgumentException">The features are of different extractors, or a set has fewer than four images.</exception>
    public static DistributionMetrics Of(FeatureSet real, FeatureSet generated, ulong seed = 0) => new(
        FrechetDistance.Compute(real, generated),
        KernelDistance.Compute(real, generated, seed: seed),
        ManifoldAgreement.Compute(real, generated));
}
