using ControlNet.ML.Conditions;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// Everything that a run needs, made once from the model, the rows and the options: networks, optimiser state, data pipeline.
/// </summary>
internal sealed class TrainingSetup : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    private TrainingSetup(DiffusionModel model, TorchBackend backend, TrainingTable table, TrainingOptions options)
    {
        (Model, Options, UNet, Use) = (model, options, backend.UNet, backend.Use);
        var (width, height) = (options.Width ?? model.NativeSize, options.Height ?? model.NativeSize);
        if ((ModelRequirements.OfSide(model.Folder, width, "Width")
            ?? ModelRequirements.OfSide(model.Folder, height, "Height")) is { } problem)
            throw new ArgumentException(problem);
        var encoders = WeightFiles.Fingerprint(backend.Encoders);
        Record = TrainingRecord.Of(
            options,
            width,
            height,
            table.Fingerprint,
            $"{encoders} {WeightFiles.Fingerprint(UNet.parameters())}",
            model.Options.PredictionType,
            backend.Device);
        Config = TrainedNetwork.Config(model.Folder, options);
        if (options.InitialControl is { } initial)
            ModelRequirements.CheckFamily(model, initial, Config);
        try
        {
            Objective = Own(new DenoisingObjective(
                NoiseSchedule.Create(model.Scheduler), model.Scheduler.PredictionType, options.SnrGamma, backend.Device.Device));
            var cache = options.Cache
                ? new EncodingCache(options.CacheFolder ?? Path.Combine(options.Folder, "cache"), options.MaxCacheBytes)
                : null;
            Encoder = new RowEncoder(model, encoders, cache, width, height, options.PromptSyntax, options.LongPrompts);
            Reader = Own(new RowReader(width, height, options.RandomFlip, options.Crop, Preprocessor(table, options)));
            Assembler = new BatchAssembler(Encoder, backend.Device, model.Folder.Index.IsXL, keeps: options.Crop == CropMode.Centre);

            var control = Own(
                new TorchControlBackend(Config, TrainedNetwork.Create(Config, model, UNet, backend.Device, options), backend.Device));
            Network = ControlNetwork.Around(Path.Combine(options.Folder, "controlnet"), model.Options, control);
            State = Own(new TrainingState(Config, control.Network, UNet, options));
            Graph = new ControlGraph(UNet, control.Network, Objective, options.OnlyMidControl, options.GradientCheckpointing);
            (Table, var validation) = Split(table, options);
            Monitor = validation.Length == 0 ? null : Watch(validation);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The base model.</summary>
    public DiffusionModel Model { get; }

    /// <summary>How the network is trained.</summary>
    public TrainingOptions Options { get; }

    /// <summary>The rows to train on, without those held out.</summary>
    public TrainingTable Table { get; }

    /// <summary>Reads rows.</summary>
    public RowReader Reader { get; }

    /// <summary>Encodes rows.</summary>
    public RowEncoder Encoder { get; }

    /// <summary>Makes batches.</summary>
    public BatchAssembler Assembler { get; }

    /// <summary>The training objective.</summary>
    public DenoisingObjective Objective { get; }

    /// <summary>The networks' graph.</summary>
    public ControlGraph Graph { get; }

    /// <summary>What training changes.</summary>
    public TrainingState State { get; }

    /// <summary>The network being trained, for generating samples.</summary>
    public ControlNetwork Network { get; }

    /// <summary>Validates on the held-out rows; null if there are none.</summary>
    public ConvergenceMonitor? Monitor { get; }

    /// <summary>Keeps the model's networks in memory during a step.</summary>
    public NetworkUse Use { get; }

    /// <summary>The UNet.</summary>
    public UNet2DConditionModel UNet { get; }

    /// <summary>The configuration of the network being trained.</summary>
    public ControlNetConfig Config { get; }

    /// <summary>The settings that must not change when the run is resumed.</summary>
    public IReadOnlyDictionary<string, string> Record { get; }

    /// <summary>Prepares a run. What was opened is disposed if it fails.</summary>
    /// <param name="model">The base model, on torch.</param>
    /// <param name="table">All rows.</param>
    /// <param name="options">How the network is trained.</param>
    /// <exception cref="ControlNetException">Model, rows and options do not go together.</exception>
    public static TrainingSetup Create(DiffusionModel model, TrainingTable table, TrainingOptions options)
    {
        options.Check();
        TrainingFolder.RequireUsable(options.Folder);
        if (model.Backend is not TorchBackend backend)
            throw new ControlNetException($"The model is on {model.Backend.Description}, expected torch: training needs its gradients.");
        RequireTextToImage(model);
        return new TrainingSetup(model, backend, table, options);
    }

    public void Dispose()
    {
        for (var i = _owned.Count - 1; i >= 0; i--)
            _owned[i].Dispose();
        _owned.Clear();
    }

    /// <summary>Splits the table by the seed alone: rows to train on, and held-out rows, at least two or none.</summary>
    private static (TrainingTable Training, TrainingRow[] Validation) Split(TrainingTable table, TrainingOptions options)
    {
        var count = table.Rows.Count;
        var held = Math.Min(options.ValidationRows, count / 8);
        if (held < 2)
            return (table, []);
        var order = new TorchRandom(Seeds.Mix(options.Seed, Seeds.HeldOut, 0)).Permutation(count);
        return (table.Pick(order.Skip(held).Order()), [.. order.Take(held).Order().Select(row => table.Rows[row])]);
    }

    private ConvergenceMonitor Watch(TrainingRow[] validation)
    {
        var rows = Array.ConvertAll(validation, row => Reader.Read(row, draws: null));
        using (Model.Enter())
            return new ConvergenceMonitor(Graph, Assembler, Encoder, rows, Options, Objective.Timesteps);
    }

    private static IPreprocessor? Preprocessor(TrainingTable table, TrainingOptions options)
    {
        if (options.Preprocess is { } name)
            return ConditionCatalog.Find(name).Open(options.PreprocessOptions);
        return table.Rows.FirstOrDefault(row => row.Condition is null) is { } without
            ? throw new ControlNetException($"{without.Where}: has no condition, expected a column of conditions, or the name of a "
                + $"preprocessor to make them from the images ({nameof(TrainingOptions.Preprocess)}).")
            : null;
    }

    private static void RequireTextToImage(DiffusionModel model)
    {
        var (inputs, latents) = (model.Folder.UNet.InChannels, model.Folder.Autoencoder.LatentChannels);
        if (inputs != latents)
            throw new ControlNetException($"The UNet has {inputs} input channels, expected {latents}, those of the latents: train on the "
                + $"plain text-to-image model; the network also fits its inpainting and depth variants.");
    }

    private T Own<T>(T thing)
        where T : IDisposable
    {
        _owned.Add(thing);
        return thing;
    }
}
