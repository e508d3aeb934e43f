namespace ControlNet.ML.Evaluation;

/// <summary>
/// How far generated images lie among real ones, and the other way round, where the neighbourhoods of k nearest features make up a
/// manifold: precision and recall of Kynkäänniemi et al. (Improved Precision and Recall Metric, 2019), density and coverage of Naeem et al.
/// (Reliable Fidelity and Diversity Metrics, 2020).
/// </summary>
/// <param name="Precision">Share of the generated images in the neighbourhood of a real one: quality.</param>
/// <param name="Recall">Share of the real images in the neighbourhood of a generated one: diversity.</param>
/// <param name="Density">Mean number of real neighbourhoods that hold a generated image, over k; may exceed 1.</param>
/// <param name="Coverage">Share of the real images whose neighbourhood holds a generated one.</param>
/// <param name="Neighbours">k.</param>
/// <param name="Extractor">What computed the features.</param>
public sealed record ManifoldAgreement(
    double Precision, double Recall, double Density, double Coverage, int Neighbours, string Extractor)
{
    /// <summary>The interval of <see cref="Precision"/> over draws of as many images of both sets, by the jackknife over images.</summary>
    public ConfidenceInterval PrecisionInterval { get; init; }

    /// <summary>The interval of <see cref="Recall"/>, likewise.</summary>
    public ConfidenceInterval RecallInterval { get; init; }

    /// <summary>The interval of <see cref="Density"/>, likewise.</summary>
    public ConfidenceInterval DensityInterval { get; init; }

    /// <summary>The interval of <see cref="Coverage"/>, likewise.</summary>
    public ConfidenceInterval CoverageInterval { get; init; }

    /// <summary>Compares two sets of images.</summary>
    /// <param name="real">The features of the real images.</param>
    /// <param name="generated">The features of the generated images.</param>
    /// <param name="neighbours">k: a neighbourhood reaches to the k-th nearest other image of the own set.</param>
    /// <returns>The shares.</returns>
    /// <exception cref="ArgumentException">The features are of different extractors, or a set has at most k images.</exception>
    public static ManifoldAgreement Compute(FeatureSet real, FeatureSet generated, int neighbours = 3)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(neighbours);
        FeatureSet.CheckComparable(real, generated, least: neighbours + 1);
        var (realBalls, generatedBalls) = (Neighbourhoods.Of(real, neighbours), Neighbourhoods.Of(generated, neighbours));
        var (precision, density) = realBalls.Hold(generated);
        var (recall, _) = generatedBalls.Hold(real);
        var coverage = realBalls.AreMet(generated);
        return new ManifoldAgreement(precision.Value, recall.Value, density.Value, coverage.Value, neighbours, real.Extractor)
        {
            PrecisionInterval = precision.Share(most: generated.Count),
            RecallInterval = recall.Share(most: real.Count),
            DensityInterval = density.Positive(),
            CoverageInterval = coverage.Share(most: real.Count),
        };
    }
}
