using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>Peak memory of a training step by batch size: a full-size control network for Stable Diffusion 1.5, random weights.</summary>
internal static class TrainingMemoryBenchmark
{
    private static readonly int[] Batches = [1, 2, 4];

    /// <summary>Measures batch sizes as far as this machine's memory allows.</summary>
    /// <param name="precision">Precision of the base model and the passes.</param>
    /// <param name="side">Side of the images in pixels.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <returns>The peak in bytes for each batch size, with and without gradient checkpointing; null if it would not fit.</returns>
    public static (string Device, IReadOnlyList<(int Batch, bool Recompute, long? PeakBytes)> Peaks) Run(
        Precision precision, int side, CancellationToken cancellationToken)
    {
        using var subject = new TrainingSubject(precision);
        List<(int Batch, bool Recompute, long? PeakBytes)> peaks = [];

        // The optimiser's moments and the gradients exist only after the first step.
        subject.Step(subject.Graph(true), subject.Rows(1, side));
        foreach (var recompute in (bool[])[true, false])
        {
            var graph = subject.Graph(recompute);
            foreach (var batch in Batches)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var before = peaks.Where(peak => peak.Recompute == recompute).ToArray();
                if (!Fits(batch, before))
                {
                    peaks.Add((batch, recompute, null));
                    continue;
                }

                NativeHeap.Trim();
                ProcessMemory.ForgetPeak();
                subject.Step(graph, subject.Rows(batch, side));
                peaks.Add((batch, recompute, ProcessMemory.Peak()));
            }
        }

        return (subject.Device.ToString(), peaks);
    }

    /// <summary>Whether the memory suffices, extrapolated from the smaller batches.</summary>
    private static bool Fits(int batch, (int Batch, bool Recompute, long? PeakBytes)[] before)
    {
        if (before.Length < 2)
            return true;
        if (before[^1].PeakBytes is not { } last || before[^2].PeakBytes is not { } earlier)
            return false;
        var each = (last - earlier) / (before[^1].Batch - before[^2].Batch);
        return last + (each * (batch - before[^1].Batch)) < 0.9 * GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    }
}
