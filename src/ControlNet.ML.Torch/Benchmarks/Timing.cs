using System.Diagnostics;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>Times of single calls, and what is reported of several.</summary>
internal static class Timing
{
    /// <summary>Seconds that a call takes.</summary>
    public static double Of(Action action)
    {
        var clock = Stopwatch.StartNew();
        action();
        return clock.Elapsed.TotalSeconds;
    }

    /// <summary>The middle one, or the mean of the two in the middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        var half = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
