using System.Diagnostics;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Makes the pictures of all rows that the journal does not have.</summary>
/// <param name="plan">The run.</param>
/// <param name="folder">Where the pictures go.</param>
/// <param name="journal">What is done.</param>
/// <param name="model">The model.</param>
/// <param name="loader">The control networks.</param>
/// <param name="rowsDone">Told after every row.</param>
internal sealed class Scorer(ScorePlan plan, RunFolder folder, Journal journal, DiffusionModel model, RowLoader loader, Action rowsDone)
{
    private bool _hasMade;

    /// <summary>Warnings of the pictures so far: the first of each kind is enough of a million.</summary>
    public HashSet<string> Warnings { get; } = [];

    /// <exception cref="OperationCanceledException">Somebody wants it to stop; what is done is kept.</exception>
    /// <exception cref="ControlNetException">The disk cannot be written, or a row failed in a strict run.</exception>
    public void Run(CancellationToken cancellationToken)
    {
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
        var clock = Stopwatch.StartNew();
        List<LoadedRow> rows = [];
        foreach (var request in batch.Where(request => !journal.HasFailed(request.Row)))
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
        try
        {
            Write(rows, model.GenerateBatch([.. rows.Select(row => row.Picture)], cancellationToken), clock);
        }
        catch (Exception e) when (IsOfRow(e) && rows.Count == 1 && _hasMade)
        {
            Fail(rows[0].Request.Row, rows[0].Request.Options.Seed, clock.Elapsed.TotalSeconds, e);
        }
        catch (Exception e) when (IsOfRow(e) && rows.Count > 1)
        {
            // One of them spoils it for all: each by itself shows which.
            foreach (var row in rows.Where(row => !journal.Has(row.Request.Row)))
                Make([row.Request], cancellationToken);
        }
    }

    /// <summary>Before any picture was made, an error is the run's, not the row's: a network of another family, say. Nor is the disk's a row's.</summary>
    private static bool IsOfRow(Exception e) => e is ArgumentException || (e is ControlNetException && e.InnerException is not (IOException or UnauthorizedAccessException));

    private void Write(List<LoadedRow> rows, IReadOnlyList<GeneratedPicture> pictures, Stopwatch clock)
    {
        _hasMade = true;
        var seconds = Math.Round(clock.Elapsed.TotalSeconds / rows.Count, 4);
        foreach (var (row, picture) in rows.Zip(pictures))
        {
            var number = row.Request.Row;
            if (journal.Has(number))
                continue;
            var provenance = new Dictionary<string, string>(picture.Provenance);
            foreach (var (key, value) in row.Provenance)
                provenance[key] = value;
            var png = ImageCodec.EncodePng(picture.Image, provenance);
            AtomicFile.Write(folder.Picture(number), stream => stream.Write(png));
            journal.Append(new JournalEntry(number, row.Request.Options.Seed, seconds, null, provenance));
            foreach (var warning in picture.Warnings.Take(Warnings.Count < 8 ? 1 : 0))
                Warnings.Add($"row {number}: {warning}");
            rowsDone();
        }
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
