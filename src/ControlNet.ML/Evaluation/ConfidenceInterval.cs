namespace ControlNet.ML.Evaluation;

/// <summary>
/// A 95% interval of a statistic. Of means: its 2.5 and 97.5 percentiles over resampled raters or images (bootstrap). Of distances of sets:
/// from its standard error by leaving images out (jackknife), since a resample repeats images, which such distances take for a difference.
/// </summary>
/// <param name="Low">The lower end.</param>
/// <param name="High">The upper end.</param>
public readonly record struct ConfidenceInterval(double Low, double High)
{
    /// <summary>The number of resamples where none is named.</summary>
    internal const int Resamples = 10_000;

    /// <summary>The 97.5th percentile of the normal distribution.</summary>
    private const double Quantile = 1.959963984540054;

    /// <summary>The interval of a statistic of items.</summary>
    /// <param name="items">Number of items, which are resampled as a whole.</param>
    /// <param name="statistic">The statistic of the items with some indices.</param>
    /// <param name="seed">Seed of the resampling.</param>
    internal static ConfidenceInterval Of(int items, Func<int[], double> statistic, ulong seed)
    {
        var resampling = new Resampling(seed);
        return Of([.. Enumerable.Range(0, Resamples).Select(_ => statistic(resampling.With(items)))]);
    }

    /// <summary>The interval of a statistic's values.</summary>
    internal static ConfidenceInterval Of(double[] values)
    {
        Array.Sort(values);
        return new ConfidenceInterval(Percentile(values, 0.025), Percentile(values, 0.975));
    }

    /// <summary>The interval of a statistic that is normally distributed around its value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="error">Its standard error.</param>
    internal static ConfidenceInterval Normal(double value, double error) => new(value - (Quantile * error), value + (Quantile * error));

    /// <summary>
    /// The interval of a share, which stays within 0 and 1 and has a width at both (Wilson's), for the number of independent items that the
    /// standard error amounts to (Korn and Graubard, Confidence Intervals for Proportions with Small Expected Number of Positive Counts,
    /// 1998).
    /// </summary>
    /// <param name="share">The share, 0 to 1.</param>
    /// <param name="error">Its standard error.</param>
    /// <param name="most">The number of items, which the error cannot exceed.</param>
    internal static ConfidenceInterval Share(double share, double error, int most)
    {
        // A share of 0 or 1 has no variance to compare the error with: one nearer to a half has (Agresti and Coull).
        var inside = ((share * most) + (Quantile * Quantile / 2)) / (most + (Quantile * Quantile));
        var items = Math.Min(most, inside * (1 - inside) / (error * error));
        var square = Quantile * Quantile / items;
        var centre = (share + (square / 2)) / (1 + square);
        var half = Math.Sqrt((square * share * (1 - share)) + (square * square / 4)) / (1 + square);
        return new ConfidenceInterval(Math.Max(0, centre - half), Math.Min(1, centre + half));
    }

    /// <summary>Linear between the nearest two, as <c>numpy.percentile</c>.</summary>
    private static double Percentile(double[] sorted, double share)
    {
        var position = share * (sorted.Length - 1);
        var below = Math.Min((int)position, sorted.Length - 1);
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((position - below) * (sorted[above] - sorted[below]));
    }
}
