namespace ControlNet.ML.Evaluation;

/// <summary>
/// How often raters name the right one of two makers of an image (paper, section 4.3: "0.52 ± 0.17" over 12 raters, which is chance). The
/// paper does not say what its ± is: standard deviations over n and n - 1 and the standard error are here.
/// </summary>
/// <param name="PerRater">The share of right answers of each rater.</param>
/// <param name="Interval">The bootstrap interval of the mean, over resampled raters.</param>
public sealed record RaterPrecision(IReadOnlyList<double> PerRater, ConfidenceInterval Interval)
{
    /// <summary>The mean over the raters; 0.5 is chance.</summary>
    public double Mean => PerRater.Average();

    /// <summary>The standard deviation over the raters, over n.</summary>
    public double StandardDeviation => Math.Sqrt(Squares / PerRater.Count);

    /// <summary>The standard deviation over the raters, over n - 1.</summary>
    public double SampleStandardDeviation => Math.Sqrt(Squares / (PerRater.Count - 1));

    /// <summary>The standard error of the mean.</summary>
    public double StandardError => SampleStandardDeviation / Math.Sqrt(PerRater.Count);

    private double Squares => PerRater.Sum(value => (value - Mean) * (value - Mean));

    /// <summary>Computes the shares.</summary>
    /// <param name="right">For each rater whether each answer was right; raters may have seen different numbers of images.</param>
    /// <param name="seed">Seed of the resampling.</param>
    /// <returns>The shares.</returns>
    /// <exception cref="ArgumentException">There is no rater, or one has not answered.</exception>
    public static RaterPrecision Compute(IReadOnlyList<bool[]> right, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(right);
        if (right.Count == 0 || right.Any(answers => answers.Length == 0))
            throw new ArgumentException("A rater has given no answer, expected at least one of each rater.", nameof(right));
        var resampling = new Resampling(seed);
        return Compute(right, [.. Enumerable.Range(0, ConfidenceInterval.Resamples).Select(_ => resampling.With(right.Count))]);
    }

    /// <summary>Computes the shares, with given resamples of the raters.</summary>
    internal static RaterPrecision Compute(IReadOnlyList<bool[]> right, IReadOnlyList<int[]> resamples)
    {
        double[] shares = [.. right.Select(answers => answers.Average(isRight => isRight ? 1.0 : 0))];
        return new RaterPrecision(
            shares, ConfidenceInterval.Of([.. resamples.Select(sample => sample.Average(rater => shares[rater]))]));
    }
}
