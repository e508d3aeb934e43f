namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>
/// One step of training a full-size control network for Stable Diffusion 1.5, random weights: the whole step, and beside it the forward and
/// backward passes of the same graph alone, in turn.
/// </summary>
internal static class TrainingBenchmark
{
    /// <param name="recompute">Whether the decoder is computed again rather than remembered.</param>
    /// <param name="repeats">Counted steps; medians are reported, after one that is not counted.</param>
    /// <param name="side">Side of the image, pixels.</param>
    /// <param name="cancellationToken">Seen between steps.</param>
    public static TrainingBenchmarkResult Run(bool recompute, int repeats, int side, CancellationToken cancellationToken)
    {
        using var subject = new TrainingSubject(Precision.Float32);
        var graph = subject.Graph(recompute);
        var batch = subject.Rows(1, side);

        subject.Step(graph, batch);
        List<double> steps = [], passes = [];
        for (var i = 0; i < repeats; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            steps.Add(Timing.Of(() => subject.Step(graph, batch)));
            passes.Add(Timing.Of(() => graph.Backward(batch)));
        }

        return new TrainingBenchmarkResult(
            subject.Device.ToString(), side, repeats, Timing.Median(steps), Timing.Median(passes), Timing.Median([.. steps.Zip(passes, (a, b) => a / b)]), ProcessMemory.Peak());
    }
}

/// <summary>What was measured.</summary>
/// <param name="Device">Runtime, device, precision.</param>
/// <param name="Side">Side of the image, pixels.</param>
/// <param name="Repeats">Counted steps.</param>
/// <param name="StepSeconds">Median time of a step: passes, gradient norm, AdamW.</param>
/// <param name="PassSeconds">Median time of the forward and backward passes alone.</param>
/// <param name="Ratio">Median of the ratios, pair by pair.</param>
/// <param name="PeakBytes">Most memory that the process held.</param>
internal sealed record TrainingBenchmarkResult(string Device, int Side, int Repeats, double StepSeconds, double PassSeconds, double Ratio, long PeakBytes);
