using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace ControlNet.ML.Evaluation;

/// <summary>
/// The squared distance that optimal transport has between the normal distributions of two sets of features, and its derivatives by images.
/// </summary>
internal sealed class FrechetTransport
{
    private readonly FeatureStatistics _real, _generated;
    private readonly Evd<double> _first, _middle;

    /// <summary>Compares two sets of images.</summary>
    /// <exception cref="ArgumentException">The features are of different extractors, or a set has fewer than two images.</exception>
    public FrechetTransport(FeatureStatistics real, FeatureStatistics generated)
    {
        FeatureSet.CheckComparable(real.Extractor, real.Dimension, generated.Extractor, generated.Dimension);
        if (Math.Min(real.Count, generated.Count) < 2)
            throw new ArgumentException($"There are {real.Count:N0} and {generated.Count:N0} images, expected at least 2 of each.");
        (_real, _generated) = (real, generated);
        var (first, second) = (Covariance(real), Covariance(generated));

        // tr (C1 C2)^½ = tr (C1^½ C2 C1^½)^½, of symmetric matrices: real and stable also where covariances are singular and the root of
        // the product itself has imaginary parts.
        _first = first.Evd(Symmetricity.Symmetric);
        var root = Scaled(_first.EigenVectors, Values(_first), 0.5).TransposeAndMultiply(_first.EigenVectors);
        var middle = root * second * root;
        _middle = ((middle + middle.Transpose()) / 2).Evd(Symmetricity.Symmetric);
        Distance = MeanDifference().Sum(value => value * value) + first.Trace() + second.Trace() - (2 * Values(_middle).Sum(Math.Sqrt));
    }

    /// <summary>|m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½).</summary>
    public double Distance { get; }

    /// <summary>
    /// The standard error of the distance over draws of as many images: from each image's influence, the derivative of the distance by the
    /// image's weight (infinitesimal jackknife). With the optimal map T from one normal distribution to the other, and x without its mean,
    /// it is xᵀ (1 - T) x ± 2 (m1 - m2)ᵀ x, up to a constant (Rippl, Munk and Sturm, Limit Laws of the Empirical Wasserstein Distance:
    /// Gaussian Distributions, 2016).
    /// </summary>
    /// <param name="real">The features whose statistics are compared.</param>
    /// <param name="generated">The others.</param>
    /// <returns>The error; null if a covariance is singular, for which there is no map.</returns>
    public double? Error(FeatureSet real, FeatureSet generated)
    {
        const double least = 1e-12;
        if (Values(_first).Min() <= least * Values(_first).Max() || Values(_middle).Min() <= least * least * Values(_middle).Max())
            return null;

        // T1 = C1^-½ M^½ C1^-½ and T2 = C1^½ M^-½ C1^½, of M = C1^½ C2 C1^½ = U Λ Uᵀ: as Zᵀ Λ^±½ Z.
        var between = _middle.EigenVectors.TransposeThisAndMultiply(_first.EigenVectors);
        return Math.Sqrt(Variance(real, _real, Map(-0.5), 0.5, 2) + Variance(generated, _generated, Map(0.5), -0.5, -2));

        Matrix<double> Map(double power) =>
            Scaled(between, Values(_first), power).TransposeAndMultiply(_first.EigenVectors);
    }

    /// <summary>The variance of the influences of a set's images, over their number.</summary>
    private double Variance(FeatureSet set, FeatureStatistics statistics, Matrix<double> map, double power, double sign)
    {
        const int batch = 256;
        var scales = Values(_middle).Select(value => Math.Pow(value, power)).ToArray();
        var difference = Vector<double>.Build.DenseOfArray(MeanDifference());
        var (mean, sum) = (0.0, 0.0);
        for (var start = 0; start < set.Count; start += batch)
        {
            var rows = Matrix<double>.Build.Dense(
                Math.Min(batch, set.Count - start), set.Dimension, (row, column) => set[start + row][column] - statistics.Mean[column]);
            var mapped = rows.TransposeAndMultiply(map);
            var shifts = rows * difference;
            for (var row = 0; row < rows.RowCount; row++)
            {
                var influence = sign * shifts[row];
                for (var i = 0; i < set.Dimension; i++)
                    influence += (rows[row, i] * rows[row, i]) - (scales[i] * mapped[row, i] * mapped[row, i]);
                var before = influence - mean;
                mean += before / (start + row + 1);
                sum += before * (influence - mean);
            }
        }

        return sum / (set.Count - 1) / set.Count;
    }

    private double[] MeanDifference() => [.. Enumerable.Range(0, _real.Dimension).Select(i => _real.Mean[i] - _generated.Mean[i])];

    private static Matrix<double> Covariance(FeatureStatistics of) => Matrix<double>.Build.Dense(of.Dimension, of.Dimension, of.Covariance);

    /// <summary>The eigenvalues of a positive semidefinite matrix, those below 0 by rounding as 0.</summary>
    private static double[] Values(Evd<double> of) => [.. of.EigenValues.Select(value => Math.Max(0, value.Real))];

    /// <summary>A matrix whose columns are multiplied by powers of values.</summary>
    private static Matrix<double> Scaled(Matrix<double> matrix, double[] values, double power)
    {
        var result = matrix.Clone();
        for (var column = 0; column < values.Length; column++)
            result.SetColumn(column, matrix.Column(column) * Math.Pow(values[column], power));
        return result;
    }
}
