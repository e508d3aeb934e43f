using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>The most memory that a step of training takes, by size of the batch: a full-size control network for Stable Diffusion 1.5, random weights.</summary>
internal static class TrainingMemoryBenchmark
{
    private static readonly int[] Batches = [1, 2, 4];

    /// <summary>Measures, as far as this machine's memory goes.</summary>
    /// <param name="precision">What base and passes compute in.</param>
    /// <param name="side">Side of the images, pixels.</param>
    /// <param name="cancellationToken">Seen between steps.</param>
    /// <returns>Each batch and way, and its peak in bytes; null where it would not have fitted.</returns>
    public static (string Device, IReadOnlyList<(int Batch, bool Recompute, long? PeakBytes)> Peaks) Run(Precision precision, int side, CancellationToken cancellationToken)
    {
        using var subject = new TrainingSubject(precision);
        List<(int Batch, bool Recompute, long? PeakBytes)> peaks = [];

        // The optimiser's moments and the gradients are there after the first step only.
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

    /// <summary>Whether memory suffices, by what the batches before took.</summary>
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
