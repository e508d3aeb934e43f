using System.Diagnostics;
using System.Runtime.InteropServices;
using ControlNet.ML.Torch.Verification;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Kernels;

/// <summary>Compares and times the kernels of an operation.</summary>
internal static class KernelMeter
{
    // A kernel replaces the plain one only if it is faster by more than clocks and neighbours disturb.
    private const double Gain = 0.95;

    // A kernel whose first run takes this many times as long is not timed again.
    private const double Hopeless = 2;

    // Short operations are timed more often.
    private const double ShortSeconds = 0.01;
    private const int Rounds = 2, ShortRounds = 5;
    private const long ComparedAtOnce = 1 << 22;

    /// <summary>Measures all kernels.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="inputs">Its tensors.</param>
    /// <param name="budget">Time that may be spent, in seconds.</param>
    /// <returns>Null if it would take longer, or if nothing can be compared: with weights of zeros every kernel is right.</returns>
    public static KernelMeasurement? Measure(KernelOperation operation, Tensor[] inputs, double budget)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var part = operation.Part(inputs);
        var names = operation.Kernels;

        // 1. the plain result
        var clock = Stopwatch.StartNew();
        var plain = operation.Run(0, part);
        var first = clock.Elapsed.TotalSeconds;
        if (first * (1 + (Rounds * names.Count)) > budget || plain.abs().max().to(ScalarType.Float32).item<float>() == 0)
            return null;

        // 2. each result, compared; the first run also prepares what libtorch keeps for later ones
        var timings = names.Select(name => new KernelTiming(name, double.PositiveInfinity, 0, IsRight: true)).ToArray();
        for (var kernel = 1; kernel < names.Count; kernel++)
            timings[kernel] = Compare(operation, kernel, part, plain);

        // 3. the times, alternately
        int[] timed =
        [
            0, .. Enumerable.Range(1, names.Count - 1).Where(k => timings[k].IsRight && timings[k].Seconds < Hopeless * first),
        ];
        foreach (var kernel in timed)
            timings[kernel] = timings[kernel] with { Seconds = double.PositiveInfinity };
        for (var round = 0; round < (first < ShortSeconds ? ShortRounds : Rounds) && timed.Length > 1; round++)
        {
            foreach (var kernel in timed)
                timings[kernel] = timings[kernel] with { Seconds = Math.Min(timings[kernel].Seconds, Time(operation, kernel, part)) };
        }

        if (timed.Length == 1)
            timings[0] = timings[0] with { Seconds = first };
        var best = timed.MinBy(kernel => timings[kernel].Seconds);
        var chosen = timings[best].Seconds < Gain * timings[0].Seconds ? best : 0;
        return new KernelMeasurement(operation.ToString(), names[chosen], timings);
    }

    /// <summary>The largest difference relative to the largest value; NaN if a value is not finite, or the shapes differ.</summary>
    public static double Distance(Tensor actual, Tensor expected)
    {
        if (!actual.shape.AsSpan().SequenceEqual(expected.shape))
            return double.NaN;
        var (difference, largest) = (0.0, 0.0);

        // Slice by slice, so that large results need no copies of their own size.
        var longest = Array.IndexOf(expected.shape, expected.shape.Max());
        var step = Math.Max(1, ComparedAtOnce / Math.Max(1, expected.numel() / expected.shape[longest]));
        for (long start = 0; start < expected.shape[longest]; start += step)
        {
            using var scope = NewDisposeScope();
            var length = Math.Min(step, expected.shape[longest] - start);
            var right = expected.narrow(longest, start, length).to(ScalarType.Float32);
            var error = (actual.narrow(longest, start, length).to(ScalarType.Float32) - right).abs();

            // A NaN among the errors makes their sum NaN; a maximum could skip it.
            if (!double.IsFinite(error.sum().item<float>()))
                return double.NaN;
            difference = Math.Max(difference, error.max().item<float>());
            largest = Math.Max(largest, right.abs().max().item<float>());
        }

        return difference == 0 ? 0 : difference / largest;
    }

    private static KernelTiming Compare(KernelOperation operation, int kernel, Tensor[] part, Tensor plain)
    {
        var name = operation.Kernels[kernel];
        try
        {
            UnwrittenMemory.FillWithNaN();
            var clock = Stopwatch.StartNew();
            using var result = operation.Run(kernel, part);
            var seconds = clock.Elapsed.TotalSeconds;
            var distance = Distance(result, plain);
            return new KernelTiming(
                name, seconds, double.IsFinite(distance) ? distance : null, distance <= DoubleComparison.BoundOf(operation.Type));
        }
        catch (ExternalException error) when (!ImageMemory.IsExhaustion(error))
        {
            // Not every library has every kernel.
            return new KernelTiming(name, 0, null, IsRight: false);
        }
    }

    private static double Time(KernelOperation operation, int kernel, Tensor[] part)
    {
        var clock = Stopwatch.StartNew();
        operation.Run(kernel, part).Dispose();
        return clock.Elapsed.TotalSeconds;
    }
}
