using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlNet.ML.Torch.Training;

/// <summary>The contents of a run's log: training losses and validations.</summary>
public sealed class TrainingHistory
{
    private TrainingHistory(IReadOnlyList<LogLine> lines)
    {
        Losses = [.. lines.Where(line => line.Loss is not null).Select(line => (line.Step, line.Loss!.Value))];
        Convergence = [
            .. lines.Where(line => line.ValidationLoss is not null).Select(
                line => new ConvergenceReading(line.Step, line.ValidationLoss!.Value, line.ExchangedLoss ?? double.NaN))];
    }

    /// <summary>The loss of each step.</summary>
    public IReadOnlyList<(long Step, double Loss)> Losses { get; }

    /// <summary>The validations.</summary>
    public IReadOnlyList<ConvergenceReading> Convergence { get; }

    /// <summary>Reads a run's log. Incomplete lines, as a crash leaves them, are skipped.</summary>
    /// <param name="runFolder">The run's folder.</param>
    /// <returns>The losses and validations, in the order of their steps.</returns>
    /// <exception cref="ControlNetException">The folder holds no run.</exception>
    public static TrainingHistory Read(string runFolder)
    {
        ArgumentException.ThrowIfNullOrEmpty(runFolder);
        if (!TrainingFolder.IsRun(runFolder))
            throw new ControlNetException($"{runFolder}: has no run.json, expected the folder of a training run.");
        var log = Path.Combine(runFolder, "log.jsonl");
        return new TrainingHistory(File.Exists(log) ? [.. Lines(log)] : []);
    }

    /// <summary>Far more than a line of the log has: some hundred characters.</summary>
    private const int LongestLine = 1 << 16;

    internal static IEnumerable<LogLine> Lines(string path)
    {
        foreach (var text in RegularFile.Lines(path, path, LongestLine))
        {
            LogLine? line = null;
            try
            {
                line = JsonSerializer.Deserialize<LogLine>(text, LogLine.Options);
            }
            catch (JsonException)
            {
                // The line is incomplete.
            }

            if (line is not null)
                yield return line;
        }
    }
}

/// <summary>A line of the log.</summary>
internal sealed record LogLine
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public long Step { get; init; }

    public double? Loss { get; init; }

    public double? LearningRate { get; init; }

    /// <summary>What earlier versions called <see cref="LearningRate"/>; only read.</summary>
    public double? Rate { init => LearningRate = value; }

    public double? GradientNorm { get; init; }

    public double? Epoch { get; init; }

    public double? Seconds { get; init; }

    public long? EncoderRuns { get; init; }

    public long? PeakBytes { get; init; }

    public double? ValidationLoss { get; init; }

    public double? ExchangedLoss { get; init; }

    public double? Gap { get; init; }
}
