using System.Diagnostics;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>Times single calls and summarises several.</summary>
internal static class Timing
{
    /// <summary>The duration of a call in seconds.</summary>
    public static double Of(Action action)
    {
        var clock = Stopwatch.StartNew();
        action();
        return clock.Elapsed.TotalSeconds;
    }

    /// <summary>The median: the middle value, or the mean of the two middle ones.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        var half = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
