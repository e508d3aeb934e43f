namespace ControlNet.ML.Evaluation;

/// <summary>
/// A mean over images whose values depend on other images, with its standard error by the jackknife, which is too large rather than too
/// small (Efron and Stein, The Jackknife Estimate of Variance, 1981).
/// </summary>
/// <param name="Value">The mean.</param>
/// <param name="Error">Its standard error.</param>
internal readonly record struct JackknifedMean(double Value, double Error)
{
    /// <summary>Computes the mean of values.</summary>
    /// <param name="values">The values of the images of the mean.</param>
    /// <param name="others">By how much the sum of the values changes without each image of the other set.</param>
    /// <param name="own">By how much that of the other values changes without each image of the mean; null for nothing.</param>
    public static JackknifedMean Of(double[] values, double[] others, double[]? own = null)
    {
        var (sum, count) = (values.Sum(), (double)values.Length);
        var left = values.Select((value, i) => (sum - value + (own?[i] ?? 0)) / (count - 1)).ToArray();
        return new JackknifedMean(sum / count, Math.Sqrt(Variance(left) + Variance([.. others.Select(change => (sum + change) / count)])));
    }

    /// <summary>The interval of a mean from 0 to 1.</summary>
    /// <param name="most">The number of images of the mean.</param>
    public ConfidenceInterval Share(int most) => ConfidenceInterval.Share(Value, Error, most);

    /// <summary>The interval of a mean that cannot be below 0.</summary>
    public ConfidenceInterval Positive()
    {
        var interval = ConfidenceInterval.Normal(Value, Error);
        return interval with { Low = Math.Max(0, interval.Low) };
    }

    private static double Variance(double[] left)
    {
        var mean = left.Average();
        return left.Sum(value => (value - mean) * (value - mean)) * (left.Length - 1) / left.Length;
    }
}
