using System.CommandLine;
using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet score</c>: an image for each row of a table. What is then done is in <see cref="ScoreRun"/>.</summary>
internal static class ScoreCommand
{
    public static Command Create(Terminal terminal)
    {
        var table = new Argument<string>("table") { Description = "A .csv, .tsv or .parquet file: prompt, photo or condition (paths from the table's folder), and for each row if you like negative_prompt, seed, guidance, steps, width, height, scale, start, end, mode; photo1, photo2, … for several networks. Other columns are carried through." };
        var output = new Option<string>("--out") { Description = "The folder for images and results; the same command again goes on where it stopped.", Required = true };
        var prompt = new Option<string>("--prompt") { Description = "Prompt of rows that have none.", DefaultValueFactory = _ => "" };
        var encoding = TextOptions.Encoding();
        var batch = new RenamedOption<int>("--batch-size", "--batch") { Description = "Batch size: at most so many rows of one size at once, 1 to 256.", DefaultValueFactory = _ => 1 };
        var format = new Option<string>("--format") { Description = "Format of the results.", DefaultValueFactory = _ => ResultWriter.Formats[0] };
        format.AcceptOnlyFromAmong([.. ResultWriter.Formats]);
        var shard = new Option<string?>("--shard") { Description = "INDEX/COUNT: score only the rows whose number leaves this remainder, from 0. In an array job of Slurm it is found by itself." };
        var shards = new Option<int?>("--shards") { Description = "COUNT, where the index comes from SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX (Kubernetes)." };
        var strict = new Option<bool>("--strict") { Description = "Stop at the first row with an error, naming row and column." };
        var retry = new Option<bool>("--retry-failed") { Description = "Try the rows again that failed in an earlier call." };
        var verify = new Option<bool>("--verify") { Description = "Read the images of earlier calls in whole and make those again that have changed; without it, those that are missing or of another length." };
        var dry = new Option<bool>("--dry-run") { Description = "Check all rows and their files first, and write nothing." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of the results' file name." };

        var command = new Command("score", "Make an image for each row of a table; goes on where it was interrupted. Exit codes as everywhere, and 3 if it went through and some rows failed.") { table, output, prompt };
        var options = new ImageOptions(command, "Seed of row 0; row N has N more. A column 'seed' goes before it.", batch);
        foreach (var option in (Option[])[encoding, format, shard, shards, strict, retry, verify, dry, json])
            command.Add(option);
        command.Add(MergeCommand(terminal));
        command.SetAction((result, cancellationToken) =>
        {
            var run = new ScoreRun(
                terminal,
                new ScoreSettings
                {
                    Table = result.GetValue(table)!,
                    Encoding = result.GetValue(encoding),
                    Out = result.GetValue(output)!,
                    Shard = Shard.Find(result.GetValue(shard), result.GetValue(shards), Environment.GetEnvironmentVariable),
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
                    Options = options.Generate(result),
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
        var folder = new Argument<string>("folder") { Description = "The --out of the shards." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of the results' file name." };
        var command = new Command("merge", "Join the results of all shards, and check that every row and its image is there: exit code 1 if not, 3 if some rows failed.") { folder, json };
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
