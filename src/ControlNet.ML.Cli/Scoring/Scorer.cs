using System.Diagnostics;
using System.Security.Cryptography;
using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Imaging;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Rows;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Makes the images of all rows that the journal does not have.</summary>
/// <param name="plan">The run.</param>
/// <param name="folder">Where the images go.</param>
/// <param name="journal">What is done.</param>
/// <param name="model">The model.</param>
/// <param name="loader">The control networks.</param>
/// <param name="rowsDone">Told after every row.</param>
internal sealed class Scorer(ScorePlan plan, ScoringFolder folder, Journal journal, DiffusionModel model, RowLoader loader, Action rowsDone)
{
    private readonly NetworkProbe _probe = new(model, plan.Settings.Options);

    /// <summary>Warnings of the images so far: the first of each kind is enough of a million.</summary>
    public HashSet<string> Warnings { get; } = [];

    /// <exception cref="OperationCanceledException">Somebody wants it to stop; what is done is kept.</exception>
    /// <exception cref="ControlNetException">The disk cannot be written, or a row failed in a strict run.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        // What is wrong with the networks is the run's fault; all that is wrong from here on is a row's, or the disk's.
        foreach (var network in loader.Networks)
            ModelRequirements.CheckFamily(model, network);
        foreach (var window in RowBatches.Windows(plan.Read(), plan.Settings.Batch))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (window.All(row => journal.Has(row.Number)))
                continue;
            foreach (var batch in RowBatches.Of(Parsed(window), plan.Settings.Batch))
                Make(batch, cancellationToken);
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

        // Rows that are done are made once more with the others of their batch, failed ones too: the others thus get the numbers that they
        // would have got without the interruption.
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
        foreach (var (row, result) in rows.Zip(results).Where(made => !journal.Has(made.First.Request.Row)))
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
        journal.Append(new JournalEntry(number, row.Request.Options.Seed, Math.Round(seconds, 4), null, provenance, png.Length, Convert.ToHexStringLower(SHA256.HashData(png))));
        foreach (var warning in image.Warnings.Take(Warnings.Count < 8 ? 1 : 0))
            Warnings.Add($"row {number}: {warning}");
        rowsDone();
    }

    private void Fail(long row, ulong? seed, double seconds, Exception e)
    {
        if (journal.Has(row))
            return;
        if (plan.Settings.Strict)
            throw new ControlNetException($"row {row}, {e.Message}", e);
        journal.Append(new JournalEntry(row, seed, Math.Round(seconds, 4), e.Message, null));
        rowsDone();
    }
}
