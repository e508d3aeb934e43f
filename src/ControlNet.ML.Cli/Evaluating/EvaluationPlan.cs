using System.Globalization;
using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>A checked evaluation before any work: what is measured, on which images, by what.</summary>
internal sealed class EvaluationPlan : IDisposable
{
    /// <summary>The baseline's name, and that of its folder in the run's.</summary>
    public const string BaselineName = "none", BaselineFolder = "baseline";

    private EvaluationPlan(EvaluateSettings settings, ScorePlan score, CancellationToken cancellationToken)
    {
        (Settings, Score) = (settings, score);
        Annotations = Annotation.Choose(settings, score, cancellationToken);
        if (settings.Real is { } real && Directory.Exists(real))
            RealFolder = ImageFolder.Open(real);
        Rows = new EvaluationRows(score, RealFolder is null ? settings.Real : null);
        Methods = MakeMethods(cancellationToken);
        Extractors = new ImageExtractors(settings, cancellationToken);
        try
        {
            if (Annotations.Count == 0 && Extractors.IsEmpty)
                throw new UsageException(
                    $"There is nothing to measure: expected a column 'photo' or 'condition' in {score.Table.Path}, --real with --features, "
                        + "or --clip.");
            Comparers = [.. Annotations.Select(annotation => new ConditionComparer(annotation, settings.Tolerance))];
            Record = MakeRecord();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public EvaluateSettings Settings { get; }

    /// <summary>How the images are generated.</summary>
    public ScorePlan Score { get; }

    public EvaluationRows Rows { get; }

    /// <summary>What finds the conditions.</summary>
    public IReadOnlyList<Annotation> Annotations { get; }

    /// <summary>The same, open.</summary>
    public IReadOnlyList<ConditionComparer> Comparers { get; } = [];

    public ImageExtractors Extractors { get; }

    /// <summary>The ways of making images, in the order of the report.</summary>
    public IReadOnlyList<ImageMethod> Methods { get; }

    /// <summary>The folder of the real images, or null.</summary>
    public ImageFolder? RealFolder { get; }

    /// <summary>The evaluation as evaluate.json records it.</summary>
    public EvaluationRecord Record { get; }

    /// <summary>Whether there are real images.</summary>
    public bool HasReal => Settings.Real is not null;

    /// <summary>The run without control.</summary>
    public ScoreSettings BaselineSettings => Settings.Score with
    {
        Out = Path.Combine(Settings.Score.Out, BaselineFolder),
        WithoutControl = true,
        Settings = [],
    };

    /// <summary>Checks the settings against each other and against the table, and lists all folders.</summary>
    /// <exception cref="UsageException">They contradict each other.</exception>
    /// <exception cref="ControlNetException">A file or folder is missing or invalid.</exception>
    public static EvaluationPlan Make(EvaluateSettings settings, ScorePlan score, CancellationToken cancellationToken)
    {
        if (!(settings.Tolerance >= 0 && double.IsFinite(settings.Tolerance)))
            throw new UsageException($"--tolerance is {settings.Tolerance.ToString(CultureInfo.InvariantCulture)}, expected at least 0.");
        if (settings.SheetRows is < 0 or > ContactSheet.MostRows)
            throw new UsageException($"--sheet is {settings.SheetRows}, expected 0 to {ContactSheet.MostRows}.");
        if (settings.Real is null != settings.Features is null)
            throw new UsageException(
                "--real and --features belong together: features of generated images are compared with those of real ones, expected both.");
        if (settings.Aesthetic is not null && settings.ClipImage is null)
            throw new UsageException("--aesthetic is a head on CLIP's image encoder, expected --clip IMAGE.onnx beside it.");
        if (!settings.Generate && settings.Baseline)
            throw new UsageException("--baseline generates images, and --no-generate does not: expected one of them.");
        if (!settings.Generate && settings.Columns.Count == 0)
            throw new UsageException("--no-generate leaves only images made elsewhere, expected --column NAME=FOLDER.");
        if (settings.Baseline && !score.Columns.HasConditions)
            throw new UsageException(
                $"--baseline is the run without control, and the run has none: expected a column 'photo' or 'condition' in "
                    + $"{score.Table.Path}.");
        return new EvaluationPlan(settings, score, cancellationToken);
    }

    public void Dispose()
    {
        foreach (var comparer in Comparers)
            comparer.Dispose();
        Extractors.Dispose();
    }

    private List<ImageMethod> MakeMethods(CancellationToken cancellationToken)
    {
        List<ImageMethod> methods = [];
        if (Settings.Generate)
            methods.Add(ImageMethod.OfRun(NameOfRun(), ImageMethodKind.Run, Settings.Score.Out));
        if (Settings.Baseline)
            methods.Add(ImageMethod.OfRun(BaselineName, ImageMethodKind.Baseline, BaselineSettings.Out));
        foreach (var column in Settings.Columns)
            methods.Add(ImageMethod.OfColumn(column, Rows, cancellationToken));
        return methods.GroupBy(method => method.Name).FirstOrDefault(group => group.Count() > 1) is { } twice
            ? throw new UsageException($"Two columns of the report are called {Message.Name(twice.Key)}: expected another --column NAME.")
            : methods;
    }

    /// <summary>The control networks' names, of those in files or folders only the last part; the model's without control.</summary>
    private string NameOfRun() => Score.Controls.Count == 0
        ? Last(Settings.Score.Model)
        : string.Join(" + ", Score.Controls.Select(control => Last(control.Name)));

    private static string Last(string name) =>
        Path.Exists(name) ? Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(Path.GetFullPath(name))) : name;

    private EvaluationRecord MakeRecord()
    {
        var settings = Extractors.Settings;
        var record = Score.Record;
        settings["table"] = record.TableSha256;
        foreach (var (name, value) in record.Settings)
        {
            if (name is "size" or "fit" || name.StartsWith("preprocessor", StringComparison.Ordinal))
                settings[name] = value;
        }

        foreach (var annotation in Annotations)
            settings[$"annotator {annotation.Index + 1}"] = $"{annotation.Name} {annotation.Settings}".TrimEnd();
        if (Annotations.Any(annotation => annotation.Measure is ConditionMeasure.Edges or ConditionMeasure.Pose))
            settings["tolerance"] = Settings.Tolerance.ToString("R", CultureInfo.InvariantCulture);
        return new EvaluationRecord(
            record.Table, record.Rows, Settings.Score.Shard.Count,
            [.. Methods.Select(method => new RecordedMethod(method.Name, method.Kind, Recorded(method.Folder), record.Rows))],
            HasReal
                ? new RecordedMethod(
                    Settings.Real!, ImageMethodKind.Real, RealFolder is null ? "" : Path.GetFullPath(RealFolder.Path),
                    RealFolder?.Files.Count ?? record.Rows)
                : null,
            settings, Settings.SheetRows);
    }

    private string Recorded(string folder) =>
        Path.GetRelativePath(Settings.Score.Out, folder) is var relative && !relative.StartsWith("..", StringComparison.Ordinal)
            && !Path.IsPathRooted(relative)
            ? relative.Replace('\\', '/')
            : Path.GetFullPath(folder);
}
