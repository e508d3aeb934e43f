using System.Diagnostics;
using System.Security.Cryptography;
using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Imaging;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Rows;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Generates the images of all rows that are not in the journal.</summary>
/// <param name="plan">The run.</param>
/// <param name="folder">The folder for the images.</param>
/// <param name="journal">The finished rows.</param>
/// <param name="model">The model.</param>
/// <param name="loader">The control networks.</param>
/// <param name="batchSize">The largest number of rows to generate together.</param>
/// <param name="rowsDone">Called after each row, on any thread.</param>
internal sealed class Scorer(
    ScorePlan plan, ScoringFolder folder, Journal journal, DiffusionModel model, RowLoader loader, int batchSize, Action rowsDone)
{
    private readonly WriteBehind _writing = new();
    private readonly NetworkProbe _probe = new(model, plan.Settings.Options);

    /// <summary>The first warnings of the images, so that a million rows do not give a million warnings.</summary>
    public HashSet<string> Warnings { get; } = [];

    /// <exception cref="OperationCanceledException">Cancelled; finished rows are kept.</exception>
    /// <exception cref="ControlNetException">The disk cannot be written, or a row failed in a strict run.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        // A network of another model family fails the run. Later errors fail only a row, except those of the disk.
        foreach (var network in loader.Networks)
            ModelRequirements.CheckFamily(model, network);
        try
        {
            foreach (var window in RowBatches.Windows(plan.Read(), batchSize))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (window.All(row => journal.Has(row.Number)))
                    continue;
                foreach (var batch in RowBatches.Of(Parsed(window), batchSize))
                    Make(batch, cancellationToken);
            }
        }
        finally
        {
            // Finished images are kept, whatever ended the run.
            _writing.Wait();
        }
    }

    private List<RowRequest> Parsed(TableRow[] window)
    {
        List<RowRequest> requests = [];
        foreach (var row in window)
        {
            try
            {
                requests.Add(plan.Parser.Parse(row));
            }
            catch (RowException e)
            {
                Fail(row.Number, plan.Parser.Seed(row), 0, e);
            }
        }

        return requests;
    }

    private void Make(RowRequest[] batch, CancellationToken cancellationToken)
    {
        if (batch.All(request => journal.Has(request.Row)))
            return;

        // Finished rows, failed ones too, are generated again with the rest of their batch: the others thus get the same numbers as without
        // the interruption.
        var clock = Stopwatch.StartNew();
        List<LoadedRow> rows = [];
        foreach (var request in batch)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                rows.Add(loader.Load(request));
            }
            catch (RowException e)
            {
                Fail(request.Row, request.Options.Seed, clock.Elapsed.TotalSeconds, e);
            }
        }

        if (rows.All(row => journal.Has(row.Request.Row)))
            return;
        var results = model.GenerateEach([.. rows.Select(row => row.Image)], cancellationToken: cancellationToken);
        var seconds = clock.Elapsed.TotalSeconds / rows.Count;
        var made = rows.Zip(results).Where(made => !journal.Has(made.First.Request.Row)).ToList();
        if (made.TrueForAll(one => one.Second.Value is not null))
        {
            _writing.Start(() => made.ForEach(one => Write(one.First, one.Second.Value!, seconds)));
            return;
        }

        // In the table's order: whether a failure stops the run depends on the rows before it.
        _writing.Wait();
        foreach (var (row, result) in made)
        {
            if (result.Value is { } image)
            {
                Write(row, image, seconds);
                continue;
            }

            if (result.Failure is NotFiniteException && journal.Succeeded == 0)
                _probe.Check(row, result.Failure, cancellationToken);
            Fail(row.Request.Row, row.Request.Options.Seed, seconds, result.Failure!);
        }
    }

    private void Write(LoadedRow row, GeneratedImage image, double seconds)
    {
        var number = row.Request.Row;
        var provenance = new Dictionary<string, string>(image.Provenance);
        foreach (var (key, value) in row.Provenance)
            provenance[key] = value;
        var png = ImageCodec.EncodePng(image.Image, provenance);
        AtomicFile.Write(folder.Image(number), stream => stream.Write(png));
        var hash = Convert.ToHexStringLower(SHA256.HashData(png));

        // The image's own file has all of it; in the journal and the results, 1.5 kB of every row would be the same.
        if (folder.HasScheduler && row.Request.Options.Scheduler == plan.Options.Scheduler)
            provenance[Provenance.SchedulerKey] = ScoringFolder.RecordName;
        journal.Append(new JournalEntry(number, row.Request.Options.Seed, Math.Round(seconds, 4), null, provenance, png.Length, hash));
        foreach (var warning in image.Warnings.Take(Warnings.Count < 8 ? 1 : 0))
            Warnings.Add($"row {number}: {warning}");
        rowsDone();
    }

    private void Fail(long row, ulong? seed, double seconds, Exception e)
    {
        if (journal.Has(row))
            return;
        _writing.Wait();
        if (plan.Settings.Strict)
            throw new ControlNetException($"row {row}, {e.Message}", e);
        journal.Append(new JournalEntry(row, seed, Math.Round(seconds, 4), e.Message, null));
        rowsDone();
    }
}
