using System.Text;
using System.Text.Json;
using TorchSharp.Modules;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// The run's log: a line with a JSON object for each step and each validation, and the same numbers for TensorBoard. A resumed run first
/// drops the lines after its checkpoint, so that no step appears twice.
/// </summary>
internal sealed class TrainingLog : IDisposable
{
    private readonly FileStream _stream;
    private readonly SummaryWriter? _board;

    /// <param name="path">The JSON lines file.</param>
    /// <param name="board">Folder of TensorBoard event files, or null.</param>
    /// <param name="step">The last step before this call; 0 for a new run.</param>
    public TrainingLog(string path, string? board, long step)
    {
        if (File.Exists(path))
            Cut(path, step);
        _stream = RunFile.Open(path, FileMode.Append, FileShare.Read);
        _board = board is null ? null : TorchSharp.torch.utils.tensorboard.SummaryWriter(board, createRunName: false);
    }

    /// <summary>
    /// Why the last line could not be written, for instance because the disk is full; null if it was. Training continues either way.
    /// </summary>
    public string? Failure { get; private set; }

    /// <summary>Logs a step.</summary>
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
        Show(
            progress.Step,
            ("train/loss", progress.Loss),
            ("train/learning_rate", progress.LearningRate),
            ("train/gradient_norm", progress.GradientNorm));
    }

    /// <summary>Logs a validation.</summary>
    public void Write(ConvergenceReading reading)
    {
        Line(new LogLine { Step = reading.Step, ValidationLoss = reading.Loss, ExchangedLoss = reading.ExchangedLoss, Gap = reading.Gap });
        Show(
            reading.Step,
            ("validation/loss", reading.Loss),
            ("validation/exchanged_loss", reading.ExchangedLoss),
            ("validation/gap", reading.Gap));
    }

    /// <summary>Logs a sample sheet.</summary>
    public void Write(string sheet, long step) => Try(() => _board?.add_img("samples", sheet, (int)step, null));

    public void Dispose()
    {
        _stream.Dispose();
        (_board as IDisposable)?.Dispose();
    }

    // Unbuffered, so that readers of the file see complete lines.
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
            Failure = $"The log could not be written; training continues: {error.Message}";
        }
    }

    private static void Cut(string path, long step)
    {
        // A run without a checkpoint starts over, and validates at step 0 again.
        var kept = TrainingHistory.Lines(path).Where(line => step > 0 && line.Step <= step);
        var text = new StringBuilder();
        foreach (var line in kept)
            text.Append(JsonSerializer.Serialize(line, LogLine.Options)).Append('\n');
        WeightFiles.WriteText(path, text.ToString());
    }
}
