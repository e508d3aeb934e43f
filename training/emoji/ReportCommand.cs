using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ControlNet.ML.Torch.Training;

namespace ControlNet.ML.EmojiTraining;

/// <summary><c>report</c>: compares runs in a Markdown table.</summary>
internal static class ReportCommand
{
    private const double Open = 0.1;

    public static Command Create()
    {
        var runs = new Argument<string[]>("run") { Description = "Folders of runs with judgement.json, written by 'judge --output'.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("report", "Print a table of runs: when the gap opened, its final width, and fidelity to held-out conditions.") { runs };
        command.SetAction(result => Console.Out.WriteLine(Table(result.GetValue(runs)!)));
        return command;
    }

    /// <summary>The table.</summary>
    /// <param name="runs">Folders of runs.</param>
    /// <exception cref="ControlNetException">A folder holds no run, or its run has no validations or no judgement.json.</exception>
    public static string Table(IEnumerable<string> runs)
    {
        var rows = runs.Select(Row).ToArray();
        return $"""
            | run | steps | gap over {Open.ToString("P0", CultureInfo.InvariantCulture)} from step | validation loss | with exchanged conditions | gap | {rows[0].Metric} |
            |---|---|---|---|---|---|---|
            {string.Join(Environment.NewLine, rows.Select(row => row.Line))}
            """;
    }

    private static (string Metric, string Line) Row(string run)
    {
        var history = TrainingHistory.Read(run);
        var file = Path.Combine(run, "judgement.json");
        if (history.Convergence.Count == 0)
            throw new ControlNetException($"{run}: has no validations, expected a run with --validation-rows.");
        if (!File.Exists(file))
            throw new ControlNetException($"{file}: does not exist, expected the output of 'judge --output'.");
        var figures = JsonSerializer.Deserialize<Figures>(File.ReadAllBytes(file), JudgeCommand.Options)!;
        var last = history.Convergence[^1];
        var opened = history.Convergence.FirstOrDefault(reading => reading.Gap >= Open);
        return (figures.Metric, string.Create(
            CultureInfo.InvariantCulture,
            $"| {Path.GetFileName(Path.GetFullPath(run))} | {last.Step:N0} | {(opened is null ? "never" : $"{opened.Step:N0}")} | {last.Loss:f4} | {last.ExchangedLoss:f4} | {last.Gap:p0} | {figures.WithControl:f3} |"));
    }
}
