namespace ControlNet.ML.Evaluation;

/// <summary>
/// The average human ranking of one method (AHR, paper, Table 1): raters order the images of a group from 1 (worst) to n (best), and the
/// ranks are averaged.
/// </summary>
/// <param name="Mean">The mean rank; larger is better.</param>
/// <param name="StandardDeviation">The standard deviation of the raters' means, over n - 1; NaN for one rater.</param>
/// <param name="Interval">The bootstrap interval of the mean, over resampled raters.</param>
public sealed record AverageHumanRank(double Mean, double StandardDeviation, ConfidenceInterval Interval)
{
    /// <summary>Averages rankings.</summary>
    /// <param name="rankings">For each rater and each group the rank of each method; every rater has ranked at least one group.</param>
    /// <param name="seed">Seed of the resampling.</param>
    /// <returns>One entry for each method.</returns>
    /// <exception cref="ArgumentException">There is no rater, a rater has no group, or a ranking is not one of all methods.</exception>
    public static IReadOnlyList<AverageHumanRank> Compute(IReadOnlyList<IReadOnlyList<int[]>> rankings, ulong seed = 0)
    {
        Check(rankings);
        var resampling = new Resampling(seed);
        return Compute(rankings, [.. Enumerable.Range(0, ConfidenceInterval.Resamples).Select(_ => resampling.With(rankings.Count))]);
    }

    /// <summary>Averages rankings, with given resamples of the raters.</summary>
    internal static IReadOnlyList<AverageHumanRank> Compute(IReadOnlyList<IReadOnlyList<int[]>> rankings, IReadOnlyList<int[]> resamples)
    {
        var methods = rankings[0][0].Length;
        return [.. Enumerable.Range(0, methods).Select(Of)];

        AverageHumanRank Of(int method)
        {
            // A rater's groups stay together: the ranks of one person are not independent.
            var raters = rankings.Select(groups => (Sum: groups.Sum(ranks => (double)ranks[method]), groups.Count)).ToArray();
            var mean = Mean(raters, Enumerable.Range(0, raters.Length));
            var means = raters.Select(rater => rater.Sum / rater.Count).ToArray();
            var deviation = Math.Sqrt(means.Sum(value => (value - means.Average()) * (value - means.Average())) / (means.Length - 1));
            return new AverageHumanRank(mean, deviation, ConfidenceInterval.Of([.. resamples.Select(sample => Mean(raters, sample))]));
        }

        static double Mean((double Sum, int Count)[] raters, IEnumerable<int> chosen)
        {
            var (sum, count) = (0.0, 0);
            foreach (var rater in chosen)
                (sum, count) = (sum + raters[rater].Sum, count + raters[rater].Count);
            return sum / count;
        }
    }

    private static void Check(IReadOnlyList<IReadOnlyList<int[]>> rankings)
    {
        ArgumentNullException.ThrowIfNull(rankings);
        if (rankings.Count == 0 || rankings.Any(groups => groups.Count == 0))
            throw new ArgumentException("A rater has ranked nothing, expected at least one group of each rater.", nameof(rankings));
        var methods = rankings[0][0].Length;
        foreach (var ranks in rankings.SelectMany(groups => groups))
        {
            if (!ranks.Order().SequenceEqual(Enumerable.Range(1, methods)))
                throw new ArgumentException(
                    $"A ranking is {string.Join(", ", ranks)}, expected each of 1 to {methods} once.", nameof(rankings));
        }
    }
}
