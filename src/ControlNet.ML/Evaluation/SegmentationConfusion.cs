namespace ControlNet.ML.Evaluation;

/// <summary>
/// How often each class of a label map was predicted as each class, and the intersections over unions that follow (paper, Table 2). Counts
/// are summed over images; <see cref="MeanOfImages"/> is the other convention, and the two must not be mixed.
/// </summary>
public sealed class SegmentationConfusion
{
    private readonly long[] _counts;
    private readonly List<double> _means = [];

    /// <summary>Creates the confusion of no image.</summary>
    /// <param name="classes">Number of classes, 1 to 256.</param>
    /// <param name="ignore">The label of pixels that do not count, whatever was predicted; null for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of classes is outside its range.</exception>
    public SegmentationConfusion(int classes, byte? ignore = 255)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, 256);
        (Classes, Ignore, _counts) = (classes, ignore, new long[classes * classes]);
    }

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>The label of pixels that do not count.</summary>
    public byte? Ignore { get; }

    /// <summary>Intersection over union of each class; NaN for a class that is neither in a label nor in a prediction.</summary>
    public IReadOnlyList<double> PerClass => Ratios(_counts);

    /// <summary>mIoU: the mean over the classes that occur; NaN if none does.</summary>
    public double MeanIou => MeanOf(Ratios(_counts));

    /// <summary>The mean over the images of each one's mIoU.</summary>
    public double MeanOfImages => _means.Count == 0 ? double.NaN : _means.Average();

    /// <summary>Share of the pixels whose class was predicted.</summary>
    public double PixelAccuracy => Enumerable.Range(0, Classes).Sum(c => this[c, c]) / (double)_counts.Sum();

    /// <summary>The mean over the labels' classes of the share of a class's pixels that was predicted.</summary>
    public double MeanClassAccuracy =>
        MeanOf([.. Enumerable.Range(0, Classes).Select(c => this[c, c] / (double)Row(c))]);

    /// <summary>The mean of the intersections over unions, weighted by the classes' pixels in the labels.</summary>
    public double FrequencyWeightedIou =>
        Ratios(_counts).Select((ratio, c) => Row(c) == 0 ? 0 : ratio * Row(c)).Sum() / _counts.Sum();

    /// <summary>Pixels of a class that were predicted as a class.</summary>
    /// <param name="label">The class in the label map.</param>
    /// <param name="prediction">The predicted class.</param>
    public long this[int label, int prediction] => _counts[(label * Classes) + prediction];

    /// <summary>Adds an image.</summary>
    /// <param name="labels">The class of each pixel.</param>
    /// <param name="predictions">The predicted class of each pixel.</param>
    /// <exception cref="ArgumentException">The maps differ in size, or have a class that does not exist.</exception>
    public void Add(ReadOnlySpan<byte> labels, ReadOnlySpan<byte> predictions)
    {
        if (labels.Length != predictions.Length)
            throw new ArgumentException(
                $"The maps have {labels.Length:N0} and {predictions.Length:N0} pixels, expected one size.", nameof(predictions));
        var own = new long[_counts.Length];
        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i] == Ignore)
                continue;
            if (labels[i] >= Classes || predictions[i] >= Classes)
                throw new ArgumentException(
                    $"Pixel {i} has the label {labels[i]} and the prediction {predictions[i]}, expected classes from 0 to {Classes - 1}.",
                    nameof(labels));
            own[(labels[i] * Classes) + predictions[i]]++;
        }

        for (var i = 0; i < own.Length; i++)
            _counts[i] += own[i];
        if (MeanOf(Ratios(own)) is var mean && !double.IsNaN(mean))
            _means.Add(mean);
    }

    /// <summary>Adds pixels of a class that were predicted as a class, without counting them as an image.</summary>
    /// <param name="label">The class in the label map.</param>
    /// <param name="prediction">The predicted class.</param>
    /// <param name="pixels">Number of pixels.</param>
    internal void Add(int label, int prediction, long pixels) => _counts[(label * Classes) + prediction] += pixels;

    private static double MeanOf(double[] values)
    {
        var known = values.Where(value => !double.IsNaN(value)).ToList();
        return known.Count == 0 ? double.NaN : known.Average();
    }

    private double[] Ratios(long[] counts)
    {
        var ratios = new double[Classes];
        for (var c = 0; c < Classes; c++)
        {
            long labelled = 0, predicted = 0;
            for (var other = 0; other < Classes; other++)
                (labelled, predicted) = (labelled + counts[(c * Classes) + other], predicted + counts[(other * Classes) + c]);
            var both = counts[(c * Classes) + c];
            ratios[c] = both / (double)(labelled + predicted - both);
        }

        return ratios;
    }

    private long Row(int label) => Enumerable.Range(0, Classes).Sum(prediction => this[label, prediction]);
}
