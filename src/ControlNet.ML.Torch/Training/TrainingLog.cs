using System.Text;
using System.Text.Json;
using TorchSharp.Modules;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// The run's log: a JSON object on a line for each step and each look at the held-out rows, and the same numbers for TensorBoard. A run that
/// resumes first drops what lies beyond its checkpoint, so that no step stands twice.
/// </summary>
internal sealed class TrainingLog : IDisposable
{
    private readonly FileStream _stream;
    private readonly SummaryWriter? _board;

    /// <param name="path">The file of lines.</param>
    /// <param name="board">The folder for TensorBoard's event files, or null.</param>
    /// <param name="step">The step that the run goes on after.</param>
    public TrainingLog(string path, string? board, long step)
    {
        if (File.Exists(path))
            Cut(path, step);
        _stream = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read);
        _board = board is null ? null : TorchSharp.torch.utils.tensorboard.SummaryWriter(board, createRunName: false);
    }

    /// <summary>Notes a step.</summary>
    public void Write(TrainingProgress progress)
    {
        Line(new LogLine
        {
            Step = progress.Step,
            Loss = progress.Loss,
            Rate = progress.Rate,
            GradientNorm = progress.GradientNorm,
            Epoch = progress.Epoch,
            Seconds = progress.Seconds,
            EncoderRuns = progress.EncoderRuns,
            PeakBytes = progress.PeakBytes,
        });
        _board?.add_scalar("train/loss", (float)progress.Loss, (int)progress.Step, null);
        _board?.add_scalar("train/learning_rate", (float)progress.Rate, (int)progress.Step, null);
        _board?.add_scalar("train/gradient_norm", (float)progress.GradientNorm, (int)progress.Step, null);
    }

    /// <summary>Notes a look at the held-out rows.</summary>
    public void Write(ConvergenceReading reading)
    {
        Line(new LogLine { Step = reading.Step, ValidationLoss = reading.Loss, ExchangedLoss = reading.ExchangedLoss, Gap = reading.Gap });
        _board?.add_scalar("validation/loss", (float)reading.Loss, (int)reading.Step, null);
        _board?.add_scalar("validation/exchanged_loss", (float)reading.ExchangedLoss, (int)reading.Step, null);
        _board?.add_scalar("validation/gap", (float)reading.Gap, (int)reading.Step, null);
    }

    /// <summary>Notes a sample sheet.</summary>
    public void Write(string sheet, long step) => _board?.add_img("samples", sheet, (int)step, null);

    /// <summary>What is noted reaches the disk.</summary>
    public void Flush() => _stream.Flush(flushToDisk: true);

    public void Dispose()
    {
        _stream.Dispose();
        (_board as IDisposable)?.Dispose();
    }

    // Out of the process at once, so that whoever follows the file sees whole lines.
    private void Line(LogLine line)
    {
        _stream.Write([.. JsonSerializer.SerializeToUtf8Bytes(line, LogLine.Options), (byte)'\n']);
        _stream.Flush();
    }

    private static void Cut(string path, long step)
    {
        // A run without a checkpoint begins anew, with its look at step 0.
        var kept = TrainingHistory.Lines(path).Where(line => step > 0 && line.Step <= step);
        var text = new StringBuilder();
        foreach (var line in kept)
            text.Append(JsonSerializer.Serialize(line, LogLine.Options)).Append('\n');
        WeightFiles.WriteText(path, text.ToString());
    }
}
