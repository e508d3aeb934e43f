using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>Measures the images of a shard that are not in the journal; a few of them are in memory at a time.</summary>
/// <param name="plan">The evaluation.</param>
/// <param name="journal">The measured images.</param>
/// <param name="imageDone">Called after each image.</param>
internal sealed class Measurer(EvaluationPlan plan, MeasureJournal journal, Action imageDone)
{
    private const int Together = 8;

    private readonly string _key = plan.Record.Key;

    /// <summary>Measures.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; measured images are kept.</exception>
    /// <exception cref="ControlNetException">The disk cannot be written, or a folder changed under way.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        using var conditions = RowConditions.Open(plan.Score);
        List<Pending> waiting = [];
        foreach (var job in Jobs(conditions).Concat(RealJobs()))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (job is null)
            {
                imageDone();
                continue;
            }

            waiting.Add(job);
            if (waiting.Count == Together)
                Finish(waiting);
        }

        Finish(waiting);
        foreach (var listing in plan.Methods.Select(method => method.Listing).Append(plan.RealFolder))
            listing?.RequireUnchanged();
    }

    /// <summary>The images of the rows, compared with their conditions; null for one that is in the journal.</summary>
    private IEnumerable<Pending?> Jobs(RowConditions conditions)
    {
        foreach (var row in plan.Rows.Read())
        {
            var expected = new RowExpectation(plan, row, conditions);
            if (row.Number < plan.Settings.SheetRows)
                expected.Keep(isNew: plan.Methods.Any(method => !journal.Has(Entry(row, method))));
            foreach (var method in plan.Methods)
            {
                var entry = Entry(row, method);
                yield return journal.Has(entry) ? null : Measure(entry, method.File(row), expected);
            }
        }
    }

    private IEnumerable<Pending?> RealJobs()
    {
        if (!plan.HasReal)
            yield break;
        var files = plan.RealFolder is { } folder
            ? folder.Files.Select((file, i) => (Number: (long)i, File: (string?)file))
                .Where(entry => plan.Settings.Score.Shard.Has(entry.Number))
            : plan.Rows.Read().Select(row => (row.Number, File: row.Real));
        foreach (var (number, file) in files)
        {
            var entry = Entry("", number, file, plan.RealFolder?.Path);
            yield return journal.Has(entry) ? null : Measure(entry, file, expected: null);
        }
    }

    private MeasureEntry Entry(EvaluationRow row, ImageMethod method) =>
        Entry(method.Name, row.Number, method.File(row), method.Folder);

    private MeasureEntry Entry(string method, long row, string? file, string? folder)
    {
        var info = file is null ? null : new FileInfo(file);
        var exists = info is { Exists: true };
        var name = file is not null && folder is not null ? Path.GetRelativePath(folder, file).Replace('\\', '/') : file;
        return new MeasureEntry(method, row, _key, name, exists ? info!.Length : null, exists ? info!.LastWriteTimeUtc.Ticks : null);
    }

    /// <summary>Reads an image and compares it with the row's conditions; its features wait for those of others.</summary>
    private static Pending Measure(MeasureEntry entry, string? file, RowExpectation? expected)
    {
        try
        {
            if (entry.Bytes is null)
                throw new ControlNetException(file is null ? "there is no image of this name" : $"{file}: there is no image");
            var image = SourceFile.Image(file!);
            Dictionary<string, double> metrics = [];
            var confusions = expected?.Compare(image, metrics);
            return new Pending(entry with { Confusions = confusions }, image, metrics, expected?.Prompt);
        }
        catch (Exception e) when (e is ControlNetException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            return new Pending(entry with { Error = Message.Of(e) }, null, [], null);
        }
    }

    private void Finish(List<Pending> pending)
    {
        var images = pending.Where(each => each.Image is not null).ToList();
        List<MeasureEntry> done = [.. pending.Where(each => each.Image is null).Select(each => each.Entry)];
        try
        {
            done.AddRange(Extracted(images));
        }
        catch (Exception e) when (e is ControlNetException or ArgumentException)
        {
            // One image fails alone.
            foreach (var image in images)
                done.AddRange(Alone(image));
        }

        journal.Append([.. done.OrderBy(entry => entry.Row)]);
        foreach (var _ in pending)
            imageDone();
        pending.Clear();
    }

    private List<MeasureEntry> Alone(Pending image)
    {
        try
        {
            return Extracted([image]);
        }
        catch (Exception e) when (e is ControlNetException or ArgumentException)
        {
            return [image.Entry with { Error = Message.Of(e) }];
        }
    }

    private List<MeasureEntry> Extracted(List<Pending> pending)
    {
        ImageBuffer[] images = [.. pending.Select(each => each.Image!)];
        var features = images.Length > 0 ? plan.Extractors.Features(images) : null;

        // Real images have no prompt to agree with; they only lend their features.
        var own = pending.Where(each => each.Entry.Method.Length > 0).ToList();
        plan.Extractors.Score(
            [.. own.Select(each => each.Image!)], [.. own.Select(each => each.Prompt)], [.. own.Select(each => each.Metrics)]);
        return [.. pending.Select((each, i) => each.Entry with
        {
            Metrics = each.Metrics,
            Features = plan.HasReal && features is not null ? MeasureEntry.WriteFeatures(features[i]) : null,
        })];
    }

    /// <summary>An image whose features wait to be extracted, or one that could not be read.</summary>
    private sealed record Pending(MeasureEntry Entry, ImageBuffer? Image, Dictionary<string, double> Metrics, string? Prompt);
}
