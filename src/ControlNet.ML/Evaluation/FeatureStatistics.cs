namespace ControlNet.ML.Evaluation;

/// <summary>
/// Mean and covariance of features, summed up image by image in constant memory (Welford's update), so that any number of images can be
/// compared.
/// </summary>
public sealed class FeatureStatistics
{
    private readonly double[] _mean, _difference;
    private readonly double[] _scatter;

    /// <summary>Creates the statistics of no image.</summary>
    /// <param name="dimension">Number of features of an image.</param>
    /// <param name="extractor">What computed them, with its hash; empty if unknown.</param>
    /// <exception cref="ArgumentOutOfRangeException">The dimension is not positive.</exception>
    public FeatureStatistics(int dimension, string extractor = "")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimension);
        ArgumentNullException.ThrowIfNull(extractor);
        (Dimension, Extractor) = (dimension, extractor);
        (_mean, _difference, _scatter) = (new double[dimension], new double[dimension], new double[checked(dimension * dimension)]);
    }

    /// <summary>Number of features of an image.</summary>
    public int Dimension { get; }

    /// <summary>What computed the features.</summary>
    public string Extractor { get; }

    /// <summary>Number of images.</summary>
    public long Count { get; private set; }

    /// <summary>The means, one for each feature.</summary>
    public ReadOnlySpan<double> Mean => _mean;

    /// <summary>The statistics of a whole set.</summary>
    /// <param name="features">The set.</param>
    /// <returns>The statistics.</returns>
    public static FeatureStatistics Of(FeatureSet features)
    {
        ArgumentNullException.ThrowIfNull(features);
        var statistics = new FeatureStatistics(features.Dimension, features.Extractor);
        for (var i = 0; i < features.Count; i++)
            statistics.Add(features[i]);
        return statistics;
    }

    /// <summary>Adds an image.</summary>
    /// <param name="features">Its features.</param>
    /// <exception cref="ArgumentException">Their number is another one, or one is not finite.</exception>
    public void Add(ReadOnlySpan<double> features)
    {
        FeatureSet.Check(features, Dimension, Count);
        Count++;
        for (var i = 0; i < Dimension; i++)
        {
            _difference[i] = features[i] - _mean[i];
            _mean[i] += _difference[i] / Count;
        }

        // Half of the symmetric matrix: row i from column i on.
        for (var i = 0; i < Dimension; i++)
        {
            var after = features[i] - _mean[i];
            System.Numerics.Tensors.TensorPrimitives.MultiplyAdd(
                _difference.AsSpan(i), after, _scatter.AsSpan((i * Dimension) + i, Dimension - i), _scatter.AsSpan((i * Dimension) + i));
        }
    }

    /// <summary>The covariance of two features, over n - 1.</summary>
    /// <param name="a">A feature, from 0.</param>
    /// <param name="b">A feature, from 0.</param>
    /// <returns>The covariance; NaN for fewer than two images.</returns>
    public double Covariance(int a, int b) => _scatter[(Math.Min(a, b) * Dimension) + Math.Max(a, b)] / (Count - 1);
}
