namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>
/// One step of training a full-size control network for Stable Diffusion 1.5, random weights: the whole step, alternating with only the
/// forward and backward passes of the same graph.
/// </summary>
internal static class TrainingBenchmark
{
    /// <param name="recompute">Whether the decoder is recomputed in the backward pass (gradient checkpointing).</param>
    /// <param name="repeats">Number of measured steps, after one for warm-up; medians are reported.</param>
    /// <param name="side">Side of the image in pixels.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
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
            subject.Device.ToString(), side, repeats, Timing.Median(steps), Timing.Median(passes), Timing.Median(
                [.. steps.Zip(passes, (a, b) => a / b)]), ProcessMemory.Peak());
    }
}

/// <summary>The measurements.</summary>
/// <param name="Device">Runtime, device, precision.</param>
/// <param name="Side">Side of the image, pixels.</param>
/// <param name="Repeats">Number of measured steps.</param>
/// <param name="StepSeconds">Median time of a step: passes, gradient norm, AdamW.</param>
/// <param name="PassSeconds">Median time of the forward and backward passes alone.</param>
/// <param name="Ratio">Median of the ratios, pair by pair.</param>
/// <param name="PeakBytes">Peak memory of the process.</param>
internal sealed record TrainingBenchmarkResult(
    string Device, int Side, int Repeats, double StepSeconds, double PassSeconds, double Ratio, long PeakBytes);
