using MathNet.Numerics.LinearAlgebra;

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

    /// <summary>Compares two sets of images.</summary>
    /// <param name="real">The statistics of the real images.</param>
    /// <param name="generated">The statistics of the generated images.</param>
    /// <returns>The distance.</returns>
    /// <exception cref="ArgumentException">The features are of different extractors, or a set has fewer than two images.</exception>
    public static FrechetDistance Compute(FeatureStatistics real, FeatureStatistics generated)
    {
        ArgumentNullException.ThrowIfNull(real);
        ArgumentNullException.ThrowIfNull(generated);
        FeatureSet.CheckComparable(real.Extractor, real.Dimension, generated.Extractor, generated.Dimension);
        if (Math.Min(real.Count, generated.Count) < 2)
            throw new ArgumentException($"There are {real.Count:N0} and {generated.Count:N0} images, expected at least 2 of each.");
        var (first, second) = (Covariance(real), Covariance(generated));
        var means = 0.0;
        for (var i = 0; i < real.Dimension; i++)
            means += (real.Mean[i] - generated.Mean[i]) * (real.Mean[i] - generated.Mean[i]);

        // tr (C1 C2)^½ = tr (C1^½ C2 C1^½)^½, of symmetric matrices: real and stable also where covariances are singular and the root of
        // the product itself has imaginary parts.
        var root = Root(first);
        var cross = Eigenvalues(root * second * root).Sum(Math.Sqrt);
        return new FrechetDistance(
            means + first.Trace() + second.Trace() - (2 * cross), real.Count, generated.Count, real.Dimension, real.Extractor);
    }

    /// <summary>Compares two sets of images.</summary>
    /// <inheritdoc cref="Compute(FeatureStatistics, FeatureStatistics)"/>
    public static FrechetDistance Compute(FeatureSet real, FeatureSet generated) =>
        Compute(FeatureStatistics.Of(real), FeatureStatistics.Of(generated));

    private static Matrix<double> Covariance(FeatureStatistics of) => Matrix<double>.Build.Dense(of.Dimension, of.Dimension, of.Covariance);

    /// <summary>The symmetric root of a positive semidefinite matrix.</summary>
    private static Matrix<double> Root(Matrix<double> matrix)
    {
        var parts = matrix.Evd(Symmetricity.Symmetric);
        var roots = parts.EigenValues.Map(value => Math.Sqrt(Math.Max(0, value.Real)));
        return parts.EigenVectors * Matrix<double>.Build.DiagonalOfDiagonalVector(roots) * parts.EigenVectors.Transpose();
    }

    /// <summary>The eigenvalues of a positive semidefinite matrix, those below 0 by rounding as 0.</summary>
    private static IEnumerable<double> Eigenvalues(Matrix<double> matrix) =>
        ((matrix + matrix.Transpose()) / 2).Evd(Symmetricity.Symmetric).EigenValues.Select(value => Math.Max(0, value.Real));
}
