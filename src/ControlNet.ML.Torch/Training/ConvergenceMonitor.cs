using ControlNet.ML.Torch.Training.Data;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// Detects the sudden convergence (paper section 3.3) by the losses of held-out rows, with fixed noise and timesteps: once with their own
/// conditions, once with those of the next row.
/// </summary>
internal sealed class ConvergenceMonitor
{
    private readonly ControlGraph _graph;
    private readonly BatchAssembler _assembler;
    private readonly int _batchSize;
    private readonly int[] _timesteps;
    private readonly TensorData _latents;
    private readonly TensorData _noise;

    /// <param name="graph">The networks.</param>
    /// <param name="assembler">Makes batches.</param>
    /// <param name="encoder">Encodes the rows once.</param>
    /// <param name="rows">The held-out rows, at least two.</param>
    /// <param name="options">Batch size and seed.</param>
    /// <param name="timesteps">Number of timesteps; the rows' own are spaced evenly over them.</param>
    public ConvergenceMonitor(
        ControlGraph graph, BatchAssembler assembler, RowEncoder encoder, IReadOnlyList<ReadRow> rows, TrainingOptions options,
        int timesteps)
    {
        (_graph, _assembler, Rows, _batchSize) = (graph, assembler, rows, options.BatchSize);
        int[] shape = [rows.Count, .. encoder.LatentShape];
        (_latents, _noise) = (TensorData.Zeros(shape), TensorData.Zeros(shape));
        _timesteps = [.. rows.Select((_, i) => (int)((i + 0.5) / rows.Count * timesteps))];
        for (var i = 0; i < rows.Count; i++)
        {
            encoder.Sample(encoder.FindMoments(rows[i]) ?? encoder.Moments(rows[i], keep: true), null, _latents.Row(i));
            new SampleDraws(Seeds.Mix(options.Seed, Seeds.Validation, i), 0, timesteps).FillNormal(_noise.Row(i));
        }
    }

    /// <summary>The held-out rows.</summary>
    public IReadOnlyList<ReadRow> Rows { get; }

    /// <summary>Validates the network.</summary>
    /// <param name="step">Steps done.</param>
    public ConvergenceReading Validate(long step) => new(step, Mean(0), Mean(1));

    /// <summary>The mean loss with the conditions shifted by so many rows.</summary>
    private double Mean(int shift)
    {
        var sum = 0.0;
        for (var start = 0; start < Rows.Count; start += _batchSize)
        {
            using var scope = NewDisposeScope();
            var indices = Enumerable.Range(start, Math.Min(_batchSize, Rows.Count - start)).ToArray();
            var batch = _assembler.Assemble(
                Pick(_latents), Pick(_noise), [.. indices.Select(i => _timesteps[i])],
                [.. indices.Select(i => Rows[(i + shift) % Rows.Count].Condition)],
                [.. indices.Select(i => Rows[i].Row.Prompt)], [.. indices.Select(i => Rows[i])]);
            sum += _graph.Losses(batch).Sum(loss => (double)loss);

            TensorData Pick(TensorData all)
            {
                var part = TensorData.Zeros([indices.Length, .. all.Shape[1..]]);
                for (var i = 0; i < indices.Length; i++)
                    all.Row(indices[i]).CopyTo(part.Row(i));
                return part;
            }
        }

        return sum / Rows.Count;
    }
}
