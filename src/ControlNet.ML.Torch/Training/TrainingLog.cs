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
        _stream = RunFile.Open(path, FileMode.Append, FileShare.Read);
        _board = board is null ? null : TorchSharp.torch.utils.tensorboard.SummaryWriter(board, createRunName: false);
    }

    /// <summary>Why the last line could not be written, a full disk for instance; null if it was. Training does not depend on it.</summary>
    public string? Failure { get; private set; }

    /// <summary>Notes a step.</summary>
    public void Write(TrainingProgress progress)
    {
        Line(new LogLine
        {
            Step = progress.Step,
            Loss = progress.Loss,
            LearningRate = progress.LearningRate,
            GradientNorm = progress.GradientNorm,
            Epoch = progress.Epoch,
            Seconds = progress.Seconds,
            EncoderRuns = progress.EncoderRuns,
            PeakBytes = progress.PeakBytes,
        });
        Show(progress.Step, ("train/loss", progress.Loss), ("train/learning_rate", progress.LearningRate), ("train/gradient_norm", progress.GradientNorm));
    }

    /// <summary>Notes a look at the held-out rows.</summary>
    public void Write(ConvergenceReading reading)
    {
        Line(new LogLine { Step = reading.Step, ValidationLoss = reading.Loss, ExchangedLoss = reading.ExchangedLoss, Gap = reading.Gap });
        Show(reading.Step, ("validation/loss", reading.Loss), ("validation/exchanged_loss", reading.ExchangedLoss), ("validation/gap", reading.Gap));
    }

    /// <summary>Notes a sample sheet.</summary>
    public void Write(string sheet, long step) => Try(() => _board?.add_img("samples", sheet, (int)step, null));

    public void Dispose()
    {
        _stream.Dispose();
        (_board as IDisposable)?.Dispose();
    }

    // Unbuffered, so that whoever follows the file sees whole lines.
    private void Line(LogLine line)
    {
        Failure = null;
        Try(() => _stream.Write([.. JsonSerializer.SerializeToUtf8Bytes(line, LogLine.Options), (byte)'\n']));
    }

    private void Show(long step, params ReadOnlySpan<(string Name, double Value)> values)
    {
        foreach (var (name, value) in values)
            Try(() => _board?.add_scalar(name, (float)value, (int)step, null));
    }

    private void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Failure = $"The log could not be written, training goes on: {error.Message}";
        }
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
