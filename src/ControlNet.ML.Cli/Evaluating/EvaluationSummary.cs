using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Conditions;
using ControlNet.ML.Evaluation;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>The figures of an evaluation, from the measures of all shards.</summary>
/// <param name="Record">What was measured.</param>
/// <param name="Methods">The figures of each method.</param>
/// <param name="Real">Number of real images with features; null if there are none to compare with.</param>
/// <param name="Warnings">What limits the figures.</param>
internal sealed record EvaluationSummary(
    EvaluationRecord Record, IReadOnlyList<MethodSummary> Methods, int? Real, IReadOnlyList<string> Warnings)
{
    private const int MostProblems = 8;

    /// <summary>The measures, by method and row.</summary>
    public required IReadOnlyDictionary<(string Method, long Row), MeasureEntry> Entries { get; init; }

    /// <summary>Sums up a folder.</summary>
    /// <exception cref="ControlNetException">It has no evaluation, or some images are not measured yet.</exception>
    public static EvaluationSummary Of(string folder, CancellationToken cancellationToken)
    {
        var record = EvaluationRecord.Read(folder);
        var entries = ReadEntries(folder, record);
        var real = record.Real is null ? null : Features(entries, "", record);
        List<string> warnings = [];
        if (record.Real is { } set && set.Images - (real?.Count ?? 0) is > 0 and var missing)
        {
            var error = Enumerable.Range(0, (int)set.Images).Select(row => entries[("", row)].Error).First(each => each is not null);
            warnings.Add($"{missing:N0} of {set.Images:N0} real images could not be read, for instance: {error}");
        }

        List<MethodSummary> methods = [];
        foreach (var method in record.Methods)
        {
            cancellationToken.ThrowIfCancellationRequested();
            methods.Add(Sum(method, record, entries, real, warnings));
        }

        var least = methods.Select(method => method.Metrics.GetValueOrDefault("fid")?.Count).Min();
        if (least is { } images && Math.Min(images, real!.Count) <= real.Dimension)
            warnings.Add(
                $"FID is unreliable here: it compares {images:N0} images with {real.Count:N0} real ones by {real.Dimension:N0} features, "
                    + "and needs more images than features. KID has no such bias.");

        return new EvaluationSummary(record, methods, record.Real is null ? null : real?.Count ?? 0, warnings) { Entries = entries };
    }

    private static Dictionary<(string Method, long Row), MeasureEntry> ReadEntries(string folder, EvaluationRecord record)
    {
        Dictionary<(string, long), MeasureEntry> entries = [];
        List<string> problems = [];
        var images = record.Methods.ToDictionary(method => method.Name, method => method.Images);
        if (record.Real is { } real)
            images[""] = real.Images;
        foreach (var shard in Enumerable.Range(0, record.Shards).Select(index => new Shard(index, record.Shards)))
        {
            // Counted by what is there, not row by row: a damaged evaluate.json may claim any number of rows.
            var missing = images.Values.Sum(shard.RowsOf);
            foreach (var entry in MeasureJournal.Read(MeasureJournal.PathOf(folder, shard)).Values)
            {
                if (entry.Key == record.Key && shard.Has(entry.Row) && entry.Row < images.GetValueOrDefault(entry.Method)
                    && entries.TryAdd((entry.Method, entry.Row), entry))
                    missing--;
            }

            if (missing > 0)
                problems.Add(
                    $"{(record.Shards == 1 ? "" : $"shard {shard.Index} of {record.Shards}: ")}{missing:N0} images are not measured by the "
                        + "settings in evaluate.json");
        }

        return problems.Count == 0
            ? entries
            : throw new ControlNetException(
                $"The evaluation in {Message.Name(folder)} is not finished: {string.Join("; ", problems.Take(MostProblems))}. The same "
                    + "'controlnet evaluate' command resumes it.");
    }

    private static MethodSummary Sum(
        RecordedMethod method, EvaluationRecord record, Dictionary<(string, long), MeasureEntry> entries, FeatureSet? real,
        List<string> warnings)
    {
        List<MeasureEntry> all = [];
        for (var row = 0L; row < method.Images; row++)
            all.Add(entries[(method.Name, row)]);
        var good = all.Where(entry => entry.Error is null).ToList();
        var figures = new Dictionary<string, Figure>();
        foreach (var name in good.SelectMany(entry => entry.Metrics.Keys).Distinct())
        {
            var values = good.Where(entry => entry.Metrics.ContainsKey(name)).Select(entry => entry.Metrics[name]).ToList();
            figures[name] = Figure.Of(ScoreMetrics.Of(values));
        }

        var classes = Segmentation(method, good, figures, warnings);
        var features = real is null ? null : Features(entries, method.Name, record);
        if (real is not null)
            Compare(method, real, features, figures, warnings);
        return new MethodSummary(
            method.Name, method.Kind, method.Folder, good.Count, all.Count - good.Count,
            all.FirstOrDefault(entry => entry.Error is not null) is { } failed ? $"row {failed.Row}, {failed.Error}" : null,
            Metric.Order(figures.Keys).ToDictionary(name => name, name => figures[name]), classes);
    }

    /// <summary>The intersections over unions over all images, which replace the means of the images' own.</summary>
    private static Dictionary<string, double?>? Segmentation(
        RecordedMethod method, List<MeasureEntry> entries, Dictionary<string, Figure> figures, List<string> warnings)
    {
        Dictionary<string, double?>? classes = null;
        foreach (var suffix in entries.SelectMany(entry => entry.Confusions?.Keys ?? []).Distinct().ToList())
        {
            var images = entries.Select(entry => entry.Confusions?.GetValueOrDefault(suffix)).OfType<ConfusionCells>().ToList();
            var palette = images.GroupBy(image => image.Palette).MaxBy(group => group.Count())!.Key;
            if (images.RemoveAll(image => image.Palette != palette) is > 0 and var others)
                warnings.Add(
                    $"{others:N0} segmentation maps of {Message.Name(method.Name)} are not in the colors of '{palette}': left out.");
            var sum = SegmentationLabels.Sum(images);
            var intervals = SegmentationLabels.Intervals(images);
            figures["seg_miou" + suffix] = new Figure(sum.MeanIou, null, intervals.MeanIou, images.Count);
            figures["seg_accuracy" + suffix] = new Figure(sum.PixelAccuracy, null, intervals.Accuracy, images.Count);
            classes ??= [];
            foreach (var (label, iou) in sum.PerClass.Index())
                classes[SegmentationPalette.Find(palette).Classes[label].Name + suffix] = double.IsNaN(iou) ? null : iou;
        }

        return classes;
    }

    private static void Compare(
        RecordedMethod method, FeatureSet real, FeatureSet? features, Dictionary<string, Figure> figures, List<string> warnings)
    {
        const int least = 4;
        if (Math.Min(real.Count, features?.Count ?? 0) < least)
        {
            warnings.Add(
                $"{Message.Name(method.Name)} has no FID and KID: there are {real.Count:N0} real images and {features?.Count ?? 0:N0} of "
                    + $"its own, expected at least {least} of each.");
            return;
        }

        var (frechet, kernel, manifold) = DistributionMetrics.Of(real, features!);
        figures["fid"] = new Figure(frechet.Value, null, frechet.Interval, features!.Count);
        figures["kid"] = new Figure(kernel.Mean, kernel.StandardDeviation, kernel.Interval, features.Count);
        figures["precision"] = new Figure(manifold.Precision, null, manifold.PrecisionInterval, features.Count);
        figures["recall"] = new Figure(manifold.Recall, null, manifold.RecallInterval, features.Count);
        figures["density"] = new Figure(manifold.Density, null, manifold.DensityInterval, features.Count);
        figures["coverage"] = new Figure(manifold.Coverage, null, manifold.CoverageInterval, features.Count);
    }

    private static FeatureSet? Features(Dictionary<(string, long), MeasureEntry> entries, string method, EvaluationRecord record)
    {
        FeatureSet? set = null;
        var own = entries.Values.Where(entry => entry.Method == method && entry.Features is not null);
        foreach (var entry in own.OrderBy(entry => entry.Row))
        {
            var features = entry.ReadFeatures();
            set ??= new FeatureSet(features.Length, record.Settings[EvaluationRecord.Features]);
            set.Add(features);
        }

        return set;
    }
}

/// <summary>The figures of a method.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Folder">The folder of its images.</param>
/// <param name="Images">Number of measured images.</param>
/// <param name="Failed">Number of images that are missing or could not be measured.</param>
/// <param name="FirstError">The first of them, or null.</param>
/// <param name="Metrics">The figures, in the order of the report.</param>
/// <param name="Classes">The intersection over union of each class; null for a class that occurs in no map.</param>
internal sealed record MethodSummary(
    string Name, ImageMethodKind Kind, string Folder, int Images, int Failed, string? FirstError,
    IReadOnlyDictionary<string, Figure> Metrics, IReadOnlyDictionary<string, double?>? Classes);

/// <summary>A figure.</summary>
/// <param name="Value">Its value.</param>
/// <param name="Deviation">The standard deviation over images, of KID over subsets; null if there is none.</param>
/// <param name="Interval">The interval over images; null for a FID of fewer images than features.</param>
/// <param name="Count">Number of images.</param>
internal sealed record Figure(double Value, double? Deviation, ConfidenceInterval? Interval, long Count)
{
    /// <summary>The mean of scores.</summary>
    public static Figure Of(ScoreMetrics scores) => new(
        scores.Mean, double.IsFinite(scores.StandardDeviation) ? scores.StandardDeviation : null, scores.Interval, scores.Count);
}
