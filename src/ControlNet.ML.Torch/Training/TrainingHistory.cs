using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlNet.ML.Torch.Training;

/// <summary>What a run's log says: losses by steps, and the looks at the held-out rows.</summary>
public sealed class TrainingHistory
{
    private TrainingHistory(IReadOnlyList<LogLine> lines)
    {
        Losses = [.. lines.Where(line => line.Loss is not null).Select(line => (line.Step, line.Loss!.Value))];
        Convergence = [.. lines.Where(line => line.ValidationLoss is not null).Select(line => new ConvergenceReading(line.Step, line.ValidationLoss!.Value, line.ExchangedLoss ?? double.NaN))];
    }

    /// <summary>The loss of each step.</summary>
    public IReadOnlyList<(long Step, double Loss)> Losses { get; }

    /// <summary>The looks at the held-out rows.</summary>
    public IReadOnlyList<ConvergenceReading> Convergence { get; }

    /// <summary>Reads a run's log; a last line that is not whole, as a crash leaves it, is passed over.</summary>
    /// <param name="runFolder">The run's folder.</param>
    /// <exception cref="ControlNetException">The folder is no run's.</exception>
    public static TrainingHistory Read(string runFolder)
    {
        ArgumentException.ThrowIfNullOrEmpty(runFolder);
        if (!TrainingFolder.IsRun(runFolder))
            throw new ControlNetException($"{runFolder}: is no run's folder, expected one with run.json, as training makes it.");
        var log = Path.Combine(runFolder, "log.jsonl");
        return new TrainingHistory(File.Exists(log) ? [.. Lines(log)] : []);
    }

    /// <summary>A line that was written has some hundred characters.</summary>
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
                // Cut off in the middle.
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
