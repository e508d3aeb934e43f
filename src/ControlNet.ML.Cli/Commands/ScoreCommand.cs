using System.CommandLine;
using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet score</c>: generates an image for each row of a table. <see cref="ScoreRun"/> does the work.</summary>
internal static class ScoreCommand
{
    public static Command Create(Terminal terminal)
    {
        var table = new Argument<string>("table")
        {
            Description = "A .csv, .tsv, .jsonl or .parquet file. Columns, all optional; files are relative to the table's folder:\n"
                + $"{ScoreColumns.Help}\n"
                + "With several networks, photo1, photo2, … belong to the first, second, …; so do the other columns of a network. "
                + "All columns are copied to the results.",
        };
        var output = OutputName.RunFolder();
        output.Description = "The run's folder: images in pictures/, and results with the columns "
            + $"{string.Join(", ", ResultColumns.Fields.Select(field => field.Name))} and those of the table. The same command resumes "
            + "the run.";
        var prompt = new Option<string>("--prompt") { Description = "Prompt of rows without one.", DefaultValueFactory = _ => "" };
        var encoding = TextOptions.Encoding();
        var batch = new RenamedOption<int>("--batch-size", "--batch")
        {
            Description = "Batch size: the maximum number of rows of one image size to generate at once, 1 to 256.",
            DefaultValueFactory = _ => 1,
        };
        var format = new Option<string>("--format")
        {
            Description = "Format of the results.",
            DefaultValueFactory = _ => ResultWriter.Formats[0],
        };
        format.AcceptOnlyFromAmong([.. ResultWriter.Formats]);
        var shard = new Option<string?>("--shard")
        {
            Description = "INDEX/COUNT: score only the rows whose number modulo COUNT is INDEX, from 0. By default a Slurm array job "
                + "sets it.",
        };
        var shards = new Option<int?>("--shards")
        {
            Description = "Number of shards; SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX (Kubernetes) gives the index.",
        };
        var strict = new Option<bool>("--strict") { Description = "Stop at the first row with an error, naming row and column." };
        var retry = new Option<bool>("--retry-failed") { Description = "Retry the rows that failed in an earlier call." };
        var verify = new Option<bool>("--verify")
        {
            Description = "Compare the images of earlier calls with their SHA-256 and regenerate those that changed; "
                + "without it, only images that are missing or whose length changed.",
        };
        var dry = new Option<bool>("--dry-run") { Description = "Check all rows and their files, and write nothing." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of the results' file name." };

        var command = new Command(
            "score",
            "Generate an image for each row of a table; resumes an interrupted run.")
        {
            table, output, prompt,
        };
        var options = new ImageOptions(command, "Seed of row 0; row N uses SEED + N. A column 'seed' overrides it.", batch);
        foreach (var option in (Option[])[encoding, format, shard, shards, strict, retry, verify, dry, json])
            command.Add(option);
        command.Add(MergeCommand(terminal));
        command.SetAction((result, cancellationToken) =>
        {
            var shardOfRun = Shard.Find(result.GetValue(shard), result.GetValue(shards), Environment.GetEnvironmentVariable);
            var folder = result.GetValue(output)!;
            var seed = ScoringRecord.Seed(folder, options.Seed(result), shardOfRun);
            seed.Report(terminal);
            var run = new ScoreRun(
                terminal,
                new ScoreSettings
                {
                    Table = result.GetValue(table)!,
                    Encoding = TextOptions.EncodingOf(result.GetValue(encoding)),
                    Out = folder,
                    Shard = shardOfRun,
                    Prompt = result.GetValue(prompt)!,
                    Model = options.Model(result),
                    Controls = options.Controls(result),
                    Preprocess = options.Preprocess(result),
                    Canny = options.Canny(result),
                    Settings = options.Settings(result),
                    Fit = options.Fit(result),
                    Size = options.Size(result),
                    Weighting = options.Weighting(result),
                    Load = options.Load(result),
                    Embeddings = options.Embeddings(result),
                    Options = options.Generate(result) with { Seed = seed.Value },
                    Batch = result.GetValue(batch),
                    Format = result.GetValue(format)!,
                    Strict = result.GetValue(strict),
                    RetryFailed = result.GetValue(retry),
                    Verify = result.GetValue(verify),
                },
                result.GetValue(json));
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
}
