namespace ControlNet.ML.Evaluation;

/// <summary>
/// The Fréchet distance of two sets of features, each taken as a normal distribution (FID, Heusel et al., GANs Trained by a Two Time-Scale
/// Update Rule, 2017): |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½).
/// </summary>
/// <param name="Value">The distance; smaller is nearer.</param>
/// <param name="RealCount">Number of real images.</param>
/// <param name="GeneratedCount">Number of generated images.</param>
/// <param name="Dimension">Number of features.</param>
/// <param name="Extractor">What computed the features; distances of different extractors cannot be compared.</param>
public sealed record FrechetDistance(double Value, long RealCount, long GeneratedCount, int Dimension, string Extractor)
{
    /// <summary>
    /// Whether both sets have more images than features. Otherwise their covariances are singular, and the distance says more about the
    /// number of images than about them; <see cref="KernelDistance"/> has no such bias.
    /// </summary>
    public bool IsReliable => Math.Min(RealCount, GeneratedCount) > Dimension;

    /// <summary>
    /// The interval over draws of as many images, by the infinitesimal jackknife; null if statistics were compared, which leave no image
    /// out, and if the distance is not <see cref="IsReliable"/>. It does not reach to the distance of more images, which is smaller.
    /// </summary>
    public ConfidenceInterval? Interval { get; init; }

    /// <summary>Compares two sets of images by their statistics, without an interval.</summary>
    /// <param name="real">The statistics of the real images.</param>
    /// <param name="generated">The statistics of the generated images.</param>
    /// <returns>The distance.</returns>
    /// <exception cref="ArgumentException">The features are of different extractors, or a set has fewer than two images.</exception>
    public static FrechetDistance Compute(FeatureStatistics real, FeatureStatistics generated)
    {
        ArgumentNullException.ThrowIfNull(real);
        ArgumentNullException.ThrowIfNull(generated);
        return Compute(real, generated, new FrechetTransport(real, generated));
    }

    /// <summary>Compares two sets of images.</summary>
    /// <inheritdoc cref="Compute(FeatureStatistics, FeatureStatistics)"/>
    public static FrechetDistance Compute(FeatureSet real, FeatureSet generated)
    {
        var (first, second) = (FeatureStatistics.Of(real), FeatureStatistics.Of(generated));
        var transport = new FrechetTransport(first, second);
        var distance = Compute(first, second, transport);
        return distance.IsReliable && transport.Error(real, generated) is { } error
            ? distance with { Interval = ConfidenceInterval.Normal(distance.Value, error) }
            : distance;
    }

    private static FrechetDistance Compute(FeatureStatistics real, FeatureStatistics generated, FrechetTransport transport) =>
        new(transport.Distance, real.Count, generated.Count, real.Dimension, real.Extractor);
}
