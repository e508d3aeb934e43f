using System.Diagnostics;
using System.Globalization;
using ControlNet.ML.Cli.Commands;
using ControlNet.ML.Cli.Doctor;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>One call of <c>score</c>, from the settings to the results and their report.</summary>
internal sealed class ScoreRun(Terminal terminal, ScoreSettings settings, bool json)
{
    private const int MostProblems = 1000;

    /// <summary>Checks the table and writes nothing.</summary>
    public async Task<int> DryAsync(CancellationToken cancellationToken)
    {
        var plan = await PlanAsync(cancellationToken).ConfigureAwait(false);
        ScoringFolder.Refuse(settings.Out, plan.Record, rows => plan.Outline(rows, cancellationToken));
        var (good, bad) = (0L, 0L);
        List<string> problems = [];
        foreach (var problem in DryRun.Check(plan, cancellationToken))
        {
            if (problem is null)
            {
                good++;
                continue;
            }

            if (bad++ < MostProblems)
                problems.Add(problem);
            if (!json)
                terminal.Fail(problem);
        }

        if (json)
            Json.Print(terminal, new { rows = good + bad, good, bad, problems, remarks = Remarks(plan) });
        else
            terminal.Result($"{good + bad:N0} rows: {(bad == 0 ? "all valid" : $"{bad:N0} invalid")}.");
        return bad == 0 ? App.Success : App.SomeFailed;
    }

    /// <summary>Scores the table, or resumes an earlier call.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken) =>
        await RunAsync(await PlanAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);

    /// <summary>Scores the table of a plan, or resumes an earlier call.</summary>
    public async Task<int> RunAsync(ScorePlan plan, CancellationToken cancellationToken)
    {
        using var folder = ScoringFolder.Take(settings.Out, settings.Shard, plan.Record, rows => plan.Outline(rows, cancellationToken));
        if (settings.RetryFailed)
            Journal.Forget(folder.Journal, entry => entry.Error is not null);
        var remade = await ForgetLostAsync(folder, plan.Rows, cancellationToken).ConfigureAwait(false);
        using var journal = Journal.Open(folder.Journal, settings.Shard, plan.Record.Rows);
        if (settings.Strict && journal.FirstFailure is { } failure)
            throw new ControlNetException($"row {failure.Row}, {failure.Error} (found by an earlier call; --retry-failed retries it)");

        var (before, clock) = (journal.Succeeded + journal.Failed, Stopwatch.StartNew());
        IReadOnlyCollection<string> warnings = [];
        try
        {
            if (before < plan.Rows)
                warnings = await ScoreAsync(plan, folder, journal, before, cancellationToken).ConfigureAwait(false);
            Results.Write(plan, folder, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            terminal.Say(
                $"stopped: {journal.Succeeded + journal.Failed:N0} of {plan.Rows:N0} rows are finished; the same command resumes the run.");
            return App.Cancelled;
        }
        catch (Exception e) when (
            e is IOException or UnauthorizedAccessException || e.InnerException is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"{e.Message.TrimEnd('.')}. Finished rows are kept: the same command resumes the run.", e);
        }

        foreach (var warning in warnings)
            terminal.Warn(warning);
        Report(plan, folder, journal, before, remade, clock.Elapsed);
        return journal.Failed == 0 ? App.Success : App.SomeFailed;
    }

    /// <summary>Fetches the models from the hub if need be, and checks settings and table.</summary>
    public async Task<ScorePlan> PlanAsync(CancellationToken cancellationToken)
    {
        InputFiles.Keep(ScoringFolder.Files(settings.Out, settings.Shard), (settings.Table, "the table"));
        await HubDownloads.RunAsync(
            terminal, settings.Model, settings.Controls, settings.Options.Loras, settings.Embeddings, settings.Load,
            cancellationToken).ConfigureAwait(false);
        var plan = await ScorePlan.MakeAsync(settings, cancellationToken).ConfigureAwait(false);
        if (!json)
        {
            foreach (var remark in Remarks(plan))
                terminal.Warn(remark);
        }

        return plan;
    }

    private async Task<int> ForgetLostAsync(ScoringFolder folder, long rows, CancellationToken cancellationToken)
    {
        const string title = "checking images";
        var lost = 0;
        await ProgressDisplay.RunAsync(
            terminal,
            show => lost = LostImages.Forget(folder, settings.Verify, done => show(title, done, rows), cancellationToken),
            _ => "").ConfigureAwait(false);
        if (lost > 0 && !json)
            terminal.Warn($"{lost:N0} images of an earlier call are missing or damaged and are regenerated.");
        return lost;
    }

    private static string[] Remarks(ScorePlan plan) => [.. plan.Columns.Remarks()];

    private async Task<IReadOnlyCollection<string>> ScoreAsync(
        ScorePlan plan, ScoringFolder folder, Journal journal, long before, CancellationToken cancellationToken)
    {
        const string title = "scoring";
        var (left, failed, clock) = (plan.Rows - before, journal.Failed, new Stopwatch());
        IReadOnlyCollection<string> warnings = [];
        long Done() => journal.Succeeded + journal.Failed - before;
        await ProgressDisplay.RunAsync(
            terminal,
            show =>
            {
                if (BackendChoice.UsesTorch(settings.Load, plan.Folder))
                    RuntimeCheck.Once(terminal, show, cancellationToken);
                LoadOptions Loading(string name) =>
                    settings.Load with { Preload = true, Progress = new DirectProgress<double>(done => show($"loading {name}", done, 1)) };
                using var model = DiffusionModel.Load(settings.Model, plan.Folder, Loading(settings.Model), cancellationToken);
                EmbeddingArgument.Load(model, settings.Embeddings);
                using var loader = RowLoader.Open(
                    plan, name => BackendChoice.ForControls(Loading(name), plan.Folder), cancellationToken);
                clock.Start();
                show(title, 0, left);
                var size = BatchSize.Of(plan, folder, model, loader, cancellationToken);
                if (settings.Batch is null && !json)
                    terminal.Say($"--batch-size {size}, measured when the run began.");
                var scorer = new Scorer(plan, folder, journal, model, loader, size, () => show(title, Done(), left));
                scorer.Run(cancellationToken);
                warnings = scorer.Warnings;
            },
            shown => shown == title && Done() > 0 ? Detail() : "").ConfigureAwait(false);
        return warnings;

        string Detail() => string.Create(
            CultureInfo.InvariantCulture,
            $"{Done():N0} of {left:N0} rows, {Done() / clock.Elapsed.TotalSeconds:0.00} rows/s"
                + $"{(journal.Failed > failed ? $", {journal.Failed - failed:N0} failed" : "")}");
    }

    private void Report(ScorePlan plan, ScoringFolder folder, Journal journal, long before, int remade, TimeSpan took)
    {
        var results = folder.Results(settings.Format);
        var now = journal.Succeeded + journal.Failed - before;
        var rate = now / Math.Max(took.TotalSeconds, 1e-9);
        if (json)
        {
            Json.Print(terminal, new
            {
                results,
                rows = plan.Rows,
                pictures = journal.Succeeded,
                failed = journal.Failed,
                done_before = before,
                lost_and_remade = remade,
                seconds = Math.Round(took.TotalSeconds, 3),
                rows_per_second = Math.Round(rate, 3),
                shard = settings.Shard.Index,
                shards = settings.Shard.Count,
                remarks = Remarks(plan),
            });
            return;
        }

        if (journal.FirstFailure is { } failure)
            terminal.Warn($"{journal.Failed:N0} of {plan.Rows:N0} rows failed, for instance row {failure.Row}, {failure.Error}");
        terminal.Result(results);
    }
}
