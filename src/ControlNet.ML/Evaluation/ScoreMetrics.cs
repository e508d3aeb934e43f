namespace ControlNet.ML.Evaluation;

/// <summary>A summary of scores of images.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="StandardDeviation">The standard deviation, over n - 1; NaN for one score.</param>
/// <param name="Interval">The bootstrap interval of the mean, over resampled images.</param>
/// <param name="Count">Number of scores.</param>
/// <param name="Failed">Number of images without a score, which do not count.</param>
public sealed record ScoreMetrics(double Mean, double StandardDeviation, ConfidenceInterval Interval, long Count, long Failed)
{
    /// <summary>Summarises scores.</summary>
    /// <param name="scores">The scores, at least one.</param>
    /// <param name="failed">Number of images without a score.</param>
    /// <param name="seed">Seed of the bootstrap interval.</param>
    /// <returns>The summary.</returns>
    /// <exception cref="ArgumentException">There is no score.</exception>
    public static ScoreMetrics Of(IReadOnlyList<double> scores, long failed = 0, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(scores);
        if (scores.Count == 0)
            throw new ArgumentException("There is no score, expected at least one.", nameof(scores));
        var mean = scores.Average();
        var deviation = Math.Sqrt(scores.Sum(score => (score - mean) * (score - mean)) / (scores.Count - 1));
        var interval = ConfidenceInterval.Of(scores.Count, sample => sample.Average(i => scores[i]), seed);
        return new ScoreMetrics(mean, deviation, interval, scores.Count, failed);
    }
}
