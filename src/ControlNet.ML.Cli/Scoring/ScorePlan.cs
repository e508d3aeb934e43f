using System.Globalization;
using System.Text.Json;
using ControlNet.ML.Adapters;
using ControlNet.ML.Cli.Commands;
using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Conditions;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Rows;
using ControlNet.ML.Torch;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>A checked run before any work: the settings and the table, which fit together.</summary>
internal sealed class ScorePlan
{
    private ScorePlan(ScoreSettings settings, TableReader table, ColumnPlan columns)
    {
        (Settings, Table, Columns) = (settings, table, columns);
        var folder = ModelFolder.Open(ModelNames.FindModel(settings.Model, settings.Load), settings.Load);
        DeviceChoice.Check(settings.Load, folder);
        Controls = columns.Networks == 0 || settings.WithoutControl
            ? []
            : ControlChoice.Networks(
                settings.Model, folder, settings.Controls, columns.Networks, columns.HasPhotos, settings.Preprocess,
                BackendChoice.ForControls(settings.Load, folder));
        Kinds = columns.HasPhotos && !settings.WithoutControl
            ? [.. Controls.Select(control => ControlChoice.Kind(control.Name, settings.Preprocess))]
            : [];
        for (var i = 0; i < Kinds.Count; i++)
            ControlChoice.RequireAnnotatorFile(Controls[i].Name, Kinds[i], settings.Settings, "A column 'photo'", "a column 'condition'");
        KindOptions = Kinds.Count == 0 ? [] : ConditionSettings.For(Kinds, settings.Canny, settings.Settings);
        Folder = folder;
        Loras = new LoraLibrary(settings.Model, folder, settings.Load);
        ModelRequirements.CheckInputs(settings.Model, folder, columns.Has("mask"), columns.Has("depth"));
        Size = ImageSize.For(folder, settings.Size);
        InputRules.CheckModel(folder, settings.Options);
        Options = settings.Options.For(folder.Generation);
        Scheduler = SchedulerCatalog.Choose(folder.ReadScheduler(), Options.Scheduler);
        var reader = new RowReader(folder, Scheduler, Options with { Width = Size.Width, Height = Size.Height });
        Parser = new RowParser(settings, columns, Controls, reader);
    }

    public ScoreSettings Settings { get; }

    /// <summary>The options of all rows, completed by the model's own.</summary>
    public GenerateOptions Options { get; }

    public TableReader Table { get; }

    public ColumnPlan Columns { get; }

    /// <summary>The control networks.</summary>
    public IReadOnlyList<ControlArgument> Controls { get; }

    /// <summary>The preprocessor for each network's photos; empty if there are no photos.</summary>
    public IReadOnlyList<ConditionKind> Kinds { get; }

    /// <summary>The options of <see cref="Kinds"/>.</summary>
    public IReadOnlyList<object?> KindOptions { get; }

    public RowParser Parser { get; }

    /// <summary>The run as run.json records it.</summary>
    public ScoringRecord Record { get; private set; } = null!;

    /// <summary>Number of rows in this shard.</summary>
    public long Rows => Settings.Shard.RowsOf(Record.Rows);

    private ImageSize Size { get; }

    private SchedulerConfig Scheduler { get; }

    /// <summary>The model's folder.</summary>
    public ModelFolder Folder { get; }

    /// <summary>Reads LoRAs without the model, to check them.</summary>
    public LoraLibrary Loras { get; }

    /// <summary>Checks settings and table, and counts the rows.</summary>
    /// <exception cref="ControlNetException">The table, the model or a network is missing or invalid.</exception>
    /// <exception cref="UsageException">The settings contradict each other.</exception>
    public static async Task<ScorePlan> MakeAsync(ScoreSettings settings, CancellationToken cancellationToken)
    {
        InputRules.CheckRanges(settings.Options);
        if (settings.Batch is < 1 or > BatchSize.Largest)
            throw new UsageException($"--batch-size is {settings.Batch}, expected 1 to {BatchSize.Largest}, or auto.");
        var table = TableReader.Open(settings.Table, EncodedText.Find(settings.Encoding), cancellationToken);
        var columns = new ColumnPlan(table, settings.Controls.Count);
        if (table.Check(columns.Known, columns.Carried, cancellationToken) is { Count: > 0 } broken)
        {
            table = new ReducedTable(table, broken);
            columns = new ColumnPlan(table, settings.Controls.Count);
        }

        InputRules.CheckSettings(settings.Settings.Count, columns.HasPhotos, $"a column 'photo' in {table.Path}");
        var plan = new ScorePlan(settings, table, columns);
        var hash = await table.HashAsync(cancellationToken).ConfigureAwait(false);
        plan.Record = new ScoringRecord(
            Path.GetFileName(settings.Table), hash, table.CountRows(cancellationToken), settings.Shard.Count,
            plan.Names(cancellationToken))
        {
            SchedulerConfig = JsonSerializer.Deserialize<JsonElement>(plan.Scheduler.ToJson()),
        };
        return plan;
    }

    /// <summary>The table's outline, in blocks of rowsInBlock rows.</summary>
    public TableOutline Outline(int rowsInBlock, CancellationToken cancellationToken) =>
        TableOutline.Of(Table, rowsInBlock, cancellationToken);

    /// <summary>The rows of this shard, with the columns of settings.</summary>
    public IEnumerable<TableRow> Read() => Table.Read(Columns.Known).Where(row => Settings.Shard.Has(row.Number));

    /// <summary>The precision; an automatic one as the one of this machine, so that a shard on another is refused.</summary>
    private string PrecisionName()
    {
        if (Settings.Load.Precision != Precision.Auto)
            return Settings.Load.Precision.ToString();
        return (BackendChoice.UsesTorch(Settings.Load, Folder) ? TorchRuntime.PrecisionOf(Settings.Load) : Precision.Float32).ToString();
    }

    /// <summary>The autoencoder's precision; an automatic one as the one of this machine.</summary>
    private Precision AutoencoderPrecision() => BackendChoice.UsesTorch(Settings.Load, Folder)
        ? TorchRuntime.AutoencoderPrecisionOf(Settings.Load, Folder.Autoencoder)
        : Precision.Float32;

    /// <summary>
    /// The settings that the images depend on, by name. Not batch size, tiling and low memory, which change an image only by rounding.
    /// </summary>
    private SortedDictionary<string, string> Names(CancellationToken cancellationToken)
    {
        var options = Options;
        var names = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["model"] = Full(Settings.Model),
            ["model's weights"] = WeightDigest.OfModel(Folder, cancellationToken),
            ["prompt"] = Settings.Prompt,
            ["negative"] = options.NegativePrompt ?? "",
            [ScoringRecord.LongPrompts] = options.LongPrompts.ToString().ToLowerInvariant(),
            ["steps"] = options.StepCount.ToString(CultureInfo.InvariantCulture),
            ["guidance"] = options.GuidanceScale.ToString("R", CultureInfo.InvariantCulture),
            ["seed"] = options.Seed.ToString(CultureInfo.InvariantCulture),
            ["scheduler"] = options.Scheduler is { } scheduler ? SchedulerCatalog.NameOf(scheduler) : "",
            ["size"] = $"{Size.Width}x{Size.Height}",
            ["weighting"] = Settings.Weighting.ToString(),
            ["fit"] = Settings.Fit.ToString().ToLowerInvariant(),
            ["precision"] = PrecisionName(),
            ["device"] = Settings.Load.Device ?? "",
            ["format"] = Settings.Format,
        };

        // Named only where they are used, so that runs of earlier versions can be resumed.
        if (BackendChoice.NameOf(Settings.Load.Backend) is { } backend)
            names["backend"] = backend;
        if (KernelChoiceNames.Of(Settings.Load) == KernelChoice.Measured)
            names["kernels"] = "measured";
        if (AutoencoderPrecision() is not Precision.Float32 and var vae)
            names["autoencoder's precision"] = vae.ToString();
        if (Settings.WithoutControl)
            names["control"] = "none";
        if (options.GuidanceRescale != 0)
            names["guidance rescale"] = options.GuidanceRescale.ToString("R", CultureInfo.InvariantCulture);
        if (options.Eta != 0)
            names["eta"] = options.Eta.ToString("R", CultureInfo.InvariantCulture);
        if (options.Approximation.ToString() is { Length: > 0 } approximation)
            names["approximation"] = approximation;
        if (options.ClipSkip is > 0)
            names["clip skip"] = options.ClipSkip.Value.ToString(CultureInfo.InvariantCulture);
        if (Settings.Load.PredictionType is { } prediction)
            names["prediction type"] = prediction.ToString();
        if (Settings.Load.Config is { } config)
            names["configuration"] = Full(config);
        if (Settings.Load.ExtractEma)
            names["weights of"] = "model_ema";
        if (options.PromptSyntax != PromptSyntax.Plain)
            names["prompt syntax"] = PromptSyntaxNames.Of(options.PromptSyntax);
        if (EncodedText.Find(Settings.Encoding) is { } encoding)
            names["encoding"] = encoding.WebName;
        for (var i = 0; i < Controls.Count; i++)
        {
            names[$"control {i + 1}"] = (Controls[i] with { Name = Full(Controls[i].Name) }).ToString();
            names[$"control {i + 1}'s weights"] = WeightDigest.OfControl(
                Controls[i].Name, Settings.Load with { ControlBase = Folder.Path }, cancellationToken);
        }

        foreach (var (i, lora) in Loras.Resolve(options.Loras).Index())
        {
            names[$"lora {i + 1}"] = new LoraWeight(lora.Lora.Path, lora.Weight).ToString();
            names[$"lora {i + 1}'s weights"] = lora.Lora.Sha256;
        }

        if (options.LoraFolder is { } loras)
            names["lora folder"] = Full(loras);
        foreach (var (i, embedding) in Settings.Embeddings.Index())
        {
            var file = ModelNames.FindAdapter(TextualInversion.What, embedding.File, Settings.Load, cancellationToken);
            names[$"embedding {i + 1}"] = $"{Full(file)}:{embedding.Token}";
            names[$"embedding {i + 1}'s weights"] = WeightReference.Digest(file);
        }

        for (var i = 0; i < Kinds.Count; i++)
            names[$"preprocessor {i + 1}"] = $"{Kinds[i].Name} {KindOptions[i]}".TrimEnd();
        return names;

        static string Full(string name) => Path.Exists(name) ? Path.GetFullPath(name) : name;
    }
}
