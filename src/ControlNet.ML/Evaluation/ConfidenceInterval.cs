namespace ControlNet.ML.Evaluation;

/// <summary>A bootstrap interval of a statistic: its 2.5 and 97.5 percentiles over resampled raters or images.</summary>
/// <param name="Low">The lower end.</param>
/// <param name="High">The upper end.</param>
public readonly record struct ConfidenceInterval(double Low, double High)
{
    /// <summary>The number of resamples where none is named.</summary>
    internal const int Resamples = 10_000;

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

    /// <summary>Linear between the nearest two, as <c>numpy.percentile</c>.</summary>
    private static double Percentile(double[] sorted, double share)
    {
        var position = share * (sorted.Length - 1);
        var below = Math.Min((int)position, sorted.Length - 1);
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((position - below) * (sorted[above] - sorted[below]));
    }
}
