using System.CommandLine;
using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet score</c>: generates an image for each row of a table. <see cref="ScoreRun"/> does the work.</summary>
internal static class ScoreCommand
{
    public static Command Create(Terminal terminal)
    {
        var dry = new Option<bool>("--dry-run") { Description = "Check all rows and their files, and write nothing." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of the results' file name." };
        var command = new Command("score", "Generate an image for each row of a table; resumes an interrupted run.");
        var options = new ScoreOptions(
            command,
            "A .csv, .tsv, .jsonl or .parquet file. Columns, all optional; files are relative to the table's folder:\n"
                + $"{ScoreColumns.Help}\n"
                + "With several networks, photo1, photo2, … belong to the first, second, …; so do the other columns of a network. "
                + "All columns are copied to the results.",
            "The run's folder: images in pictures/, and results with the columns "
                + $"{string.Join(", ", ResultColumns.Fields.Select(field => field.Name))} and those of the table. The same command resumes "
                + "the run.");
        command.Add(dry);
        command.Add(json);
        command.Add(MergeCommand(terminal));
        command.Add(StatusCommand(terminal));
        command.SetAction((result, cancellationToken) =>
        {
            var run = new ScoreRun(terminal, options.Settings(result, terminal), result.GetValue(json));
            return result.GetValue(dry) ? run.DryAsync(cancellationToken) : run.RunAsync(cancellationToken);
        });
        return command;
    }

    private static Command MergeCommand(Terminal terminal)
    {
        var folder = new Argument<string>("folder") { Description = "The --output folder of the shards." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of the results' file name." };
        var command = new Command(
            "merge",
            "Merge the results of all shards, and check that every row and its image exist.")
        {
            folder, json,
        };
        command.SetAction((result, cancellationToken) => Task.Run(
            () =>
            {
                var report = Merge.Run(result.GetValue(folder)!, cancellationToken);
                foreach (var problem in report.Problems)
                    terminal.Fail(problem);
                if (report.Missing > report.Problems.Count)
                    terminal.Fail($"and {report.Missing - report.Problems.Count:N0} more.");
                if (result.GetValue(json))
                    Json.Print(terminal, report);
                else if (report.Results is { } file)
                    terminal.Result(file);
                return report.Results is null ? App.Failed : report.Failed == 0 ? App.Success : App.SomeFailed;
            },
            cancellationToken));
        return command;
    }
    private static Command StatusCommand(Terminal terminal)
    {
        var folder = new Argument<string>("folder") { Description = "The --output folder of the run." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document with all shards." };
        var command = new Command(
            "status",
            "Show how far a run is, its shards, its speed and the time left, from any machine that sees its folder.")
        {
            folder, json,
        };
        command.SetAction((result, cancellationToken) => Task.Run(
            () =>
            {
                var report = ScoreStatus.Read(result.GetValue(folder)!, terminal.Clock, cancellationToken);
                if (result.GetValue(json))
                    Json.Print(terminal, report);
                else
                    ScoreStatusText.Print(terminal, report);
                return App.Success;
            },
            cancellationToken));
        return command;
    }
}
