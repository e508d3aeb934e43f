using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>One call of <c>evaluate</c>: generates what is missing, measures what is not measured, and reports.</summary>
internal sealed class EvaluateRun(Terminal terminal, EvaluateSettings settings, bool json)
{
    private string Folder => settings.Score.Out;

    private Shard Shard => settings.Score.Shard;

    /// <summary>Evaluates, or resumes an earlier call.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        // 1. everything is checked before any work
        var generating = new ScoreRun(terminal.WithoutResults(), settings.Score, json: false);
        var score = await generating.PlanAsync(cancellationToken).ConfigureAwait(false);
        InputFiles.Keep(EvaluationReport.Files(Folder, Shard), (settings.Score.Table, "the table"));
        using var plan = EvaluationPlan.Make(settings, score, cancellationToken);

        // 2. the images
        if (settings.Generate)
            ScoringFolder.Refuse(Folder, score.Record, rows => score.Outline(rows, cancellationToken));
        using var held = Take();
        if (settings.Generate && await generating.RunAsync(score, cancellationToken).ConfigureAwait(false) == App.Cancelled)
            return App.Cancelled;
        if (settings.Baseline)
        {
            var baseline = new ScoreRun(terminal.WithoutResults(), plan.BaselineSettings, json: true);
            if (await baseline.RunAsync(cancellationToken).ConfigureAwait(false) == App.Cancelled)
                return App.Cancelled;
        }

        // 3. the measures
        plan.Record.Write(Folder);
        try
        {
            await MeasureAsync(plan, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            terminal.Say("stopped: measured images are kept; the same command resumes the evaluation.");
            return App.Cancelled;
        }

        // 4. the report
        if (Shard.Count > 1)
        {
            terminal.Say(
                $"shard {Shard.Index} of {Shard.Count} is measured. When all are, 'controlnet evaluate merge {Folder}' writes the report.");
            if (json)
                Json.Print(terminal, new { shard = Shard.Index, shards = Shard.Count });
            return App.Success;
        }

        return await ReportAsync(terminal, Folder, json, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Checks that all shards are measured, merges the results of <c>score</c>, and reports.</summary>
    public static async Task<int> MergeAsync(Terminal terminal, string folder, bool json, CancellationToken cancellationToken)
    {
        var record = EvaluationRecord.Read(folder);
        foreach (var method in record.Methods.Where(method => method.Kind is ImageMethodKind.Run or ImageMethodKind.Baseline))
        {
            var report = Merge.Run(Path.Combine(folder, method.Folder), cancellationToken);
            foreach (var problem in report.Problems)
                terminal.Fail(problem);
            if (report.Results is null)
                return App.Failed;
        }

        return await ReportAsync(terminal, folder, json, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<int> ReportAsync(Terminal terminal, string folder, bool json, CancellationToken cancellationToken)
    {
        EvaluationSummary? summary = null;
        await ProgressDisplay.RunAsync(terminal, show =>
        {
            show("summing up", 0, 1);
            summary = EvaluationSummary.Of(folder, cancellationToken);
            EvaluationReport.Write(folder, summary);
            show("summing up", 1, 1);
        }).ConfigureAwait(false);
        EvaluationReport.Print(terminal, folder, summary!, json);
        return summary!.Methods.Any(method => method.Images > 0)
            ? summary.Methods.Any(method => method.Failed > 0) ? App.SomeFailed : App.Success
            : App.Failed;
    }

    private async Task MeasureAsync(EvaluationPlan plan, CancellationToken cancellationToken)
    {
        const string title = "measuring";
        var total = (plan.Methods.Count * plan.Score.Rows)
            + (plan.Record.Real is { } real ? Shard.RowsOf(real.Images) : 0);
        using var journal = MeasureJournal.Open(MeasureJournal.PathOf(Folder, Shard));
        await ProgressDisplay.RunAsync(terminal, show =>
        {
            var done = 0L;
            new Measurer(plan, journal, () => show(title, ++done, total)).Run(cancellationToken);
        }).ConfigureAwait(false);
    }

    private FileStream Take()
    {
        try
        {
            ScoringFolder.RequireFolder(Folder);
            Directory.CreateDirectory(Folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"The folder '{Folder}' cannot be written: {e.Message}", e);
        }

        return RunFile.Lock(
            Path.Combine(Folder, $"evaluate{Shard.Suffix}.lock"), Folder,
            $"Another process is evaluating in the folder '{Folder}': wait until it ends, or use another --output.");
    }
}
