namespace ControlNet.ML.Evaluation;

/// <summary>
/// The features of some images, one row each, as an extractor computed them. Sets of different extractors are never compared: their numbers
/// have nothing to do with each other.
/// </summary>
public sealed class FeatureSet
{
    private readonly List<double[]> _rows = [];

    /// <summary>Creates an empty set.</summary>
    /// <param name="dimension">Number of features of an image.</param>
    /// <param name="extractor">What computed them, with its hash; empty if unknown.</param>
    /// <exception cref="ArgumentOutOfRangeException">The dimension is not positive.</exception>
    public FeatureSet(int dimension, string extractor = "")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimension);
        ArgumentNullException.ThrowIfNull(extractor);
        (Dimension, Extractor) = (dimension, extractor);
    }

    /// <summary>Number of features of an image.</summary>
    public int Dimension { get; }

    /// <summary>What computed the features.</summary>
    public string Extractor { get; }

    /// <summary>Number of images.</summary>
    public int Count => _rows.Count;

    /// <summary>The features of an image.</summary>
    /// <param name="index">The image, from 0.</param>
    public ReadOnlySpan<double> this[int index] => _rows[index];

    /// <summary>Adds an image.</summary>
    /// <param name="features">Its features.</param>
    /// <exception cref="ArgumentException">Their number is another one, or one is not finite.</exception>
    public void Add(ReadOnlySpan<double> features)
    {
        Check(features, Dimension, Count);
        _rows.Add(features.ToArray());
    }

    /// <summary>Adds an image.</summary>
    /// <param name="features">Its features.</param>
    /// <exception cref="ArgumentException">Their number is another one, or one is not finite.</exception>
    public void Add(ReadOnlySpan<float> features)
    {
        var row = new double[features.Length];
        System.Numerics.Tensors.TensorPrimitives.ConvertChecked(features, row);
        Add(row);
    }

    /// <summary>Throws if the features of an image cannot be used.</summary>
    internal static void Check(ReadOnlySpan<double> features, int dimension, long image)
    {
        if (features.Length != dimension)
            throw new ArgumentException($"Image {image} has {features.Length:N0} features, expected {dimension:N0}.", nameof(features));
        for (var i = 0; i < features.Length; i++)
        {
            if (!double.IsFinite(features[i]))
                throw new ArgumentException(
                    $"Feature {i} of image {image} is {features[i]}, expected a finite number.", nameof(features));
        }
    }

    /// <summary>Throws if two sets cannot be compared.</summary>
    internal static void CheckComparable(string extractor, int dimension, string otherExtractor, int otherDimension)
    {
        if (extractor != otherExtractor)
            throw new ArgumentException(
                $"The features are of the extractors {Message.Name(extractor)} and {Message.Name(otherExtractor)}, expected one.");
        if (dimension != otherDimension)
            throw new ArgumentException($"Images have {dimension:N0} and {otherDimension:N0} features, expected as many.");
    }

    /// <summary>Throws if two sets cannot be compared, or one has too few images.</summary>
    internal static void CheckComparable(FeatureSet real, FeatureSet generated, int least)
    {
        ArgumentNullException.ThrowIfNull(real);
        ArgumentNullException.ThrowIfNull(generated);
        CheckComparable(real.Extractor, real.Dimension, generated.Extractor, generated.Dimension);
        if (Math.Min(real.Count, generated.Count) < least)
            throw new ArgumentException(
                $"There are {real.Count:N0} and {generated.Count:N0} images, expected at least {least:N0} of each.");
    }
}
