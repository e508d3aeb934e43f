using ControlNet.ML.Conditions;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Training.Data;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Torch.Training;

/// <summary>What a run trains with: networks, data, and what reads it; made once, from the model and the options.</summary>
internal sealed class TrainingSetup : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    private TrainingSetup(DiffusionModel model, TrainingOptions options) => (Model, Options) = (model, options);

    /// <summary>The base.</summary>
    public DiffusionModel Model { get; }

    /// <summary>How it is trained.</summary>
    public TrainingOptions Options { get; }

    /// <summary>The rows to learn from, without those that are held out.</summary>
    public TrainingTable Table { get; private set; } = null!;

    /// <summary>Reads a row.</summary>
    public RowReader Reader { get; private set; } = null!;

    /// <summary>Encodes it.</summary>
    public RowEncoder Encoder { get; private set; } = null!;

    /// <summary>Makes batches.</summary>
    public BatchAssembler Assembler { get; private set; } = null!;

    /// <summary>What is learnt.</summary>
    public DenoisingObjective Objective { get; private set; } = null!;

    /// <summary>The networks' graph.</summary>
    public ControlGraph Graph { get; private set; } = null!;

    /// <summary>What the training changes.</summary>
    public TrainingState State { get; private set; } = null!;

    /// <summary>The network that learns, for drawing samples.</summary>
    public ControlNetwork Network { get; private set; } = null!;

    /// <summary>Watches the held-out rows; null without any.</summary>
    public ConvergenceMonitor? Monitor { get; private set; }

    /// <summary>Who computes on the model's networks.</summary>
    public NetworkUse Use { get; private set; } = null!;

    /// <summary>The UNet.</summary>
    public UNet2DConditionModel UNet { get; private set; } = null!;

    /// <summary>The shape of the network that learns.</summary>
    public ControlNetConfig Config { get; private set; } = null!;

    /// <summary>What a run that goes on must have in common.</summary>
    public IReadOnlyDictionary<string, string> Record { get; private set; } = null!;

    /// <summary>Makes everything ready.</summary>
    /// <param name="model">The base, on torch.</param>
    /// <param name="table">All rows.</param>
    /// <param name="options">How it is trained.</param>
    /// <exception cref="ControlNetException">Model, rows and options do not go together.</exception>
    public static TrainingSetup Create(DiffusionModel model, TrainingTable table, TrainingOptions options)
    {
        options.Validate();
        TrainingFolder.RequireUsable(options.Folder);
        if (model.Backend is not TorchBackend backend)
            throw new ControlNetException($"Training needs the model on torch, it is on {model.Backend.Description}.");
        RequireTextToImage(model);
        var (width, height) = (options.Width ?? model.NativeSize, options.Height ?? model.NativeSize);
        if ((ModelRequirements.OfSide(model.Folder, width, "Width") ?? ModelRequirements.OfSide(model.Folder, height, "Height")) is { } problem)
            throw new ArgumentException(problem);
        var setup = new TrainingSetup(model, options);
        try
        {
            setup.Fill(backend, table, width, height);
            return setup;
        }
        catch
        {
            setup.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        for (var i = _owned.Count - 1; i >= 0; i--)
            _owned[i].Dispose();
        _owned.Clear();
    }

    private void Fill(TorchBackend backend, TrainingTable table, int width, int height)
    {
        var encoders = WeightFiles.Fingerprint(backend.Encoders);
        Record = TrainingRecord.Of(Options, width, height, table.Fingerprint, $"{encoders} {WeightFiles.Fingerprint(backend.UNet.parameters())}", backend.Device);
        UNet = backend.UNet;
        Use = backend.Use;
        Config = TrainedNetwork.Config(Model.Folder, Options);
        if (Options.InitialControl is { } initial)
            ModelRequirements.CheckFamily(Model, initial, Config);

        Objective = Own(new DenoisingObjective(
            NoiseSchedule.Create(Model.Scheduler), Model.Scheduler.PredictionType, Options.SnrGamma, backend.Device.Device));
        var cache = Options.Cache ? new EncodingCache(Options.CacheFolder ?? Path.Combine(Options.Folder, "cache"), Options.MaxCacheBytes) : null;
        Encoder = new RowEncoder(Model, encoders, cache, width, height);
        Reader = Own(new RowReader(width, height, Options.RandomFlip, Options.Crop, Preprocessor(table)));
        Assembler = new BatchAssembler(Encoder, backend.Device, Model.Folder.Index.IsXL, keeps: Options.Crop == CropMode.Centre);

        var control = Own(new TorchControlBackend(Config, TrainedNetwork.Create(Config, Model, UNet, backend.Device, Options), backend.Device));
        Network = ControlNetwork.Around(Path.Combine(Options.Folder, "controlnet"), Model.Options, control);
        State = Own(new TrainingState(Config, control.Network, UNet, Options));
        Graph = new ControlGraph(UNet, control.Network, Objective, Options.OnlyMidControl, Options.GradientCheckpointing);
        HoldOut(table);
    }

    /// <summary>Some rows, by the seed alone, are kept for looking; training does not see them.</summary>
    private void HoldOut(TrainingTable table)
    {
        var count = table.Rows.Count;
        var held = Math.Min(Options.ValidationRows, count / 8);
        if (held < 2)
        {
            Table = table;
            return;
        }

        var order = new TorchRandom(Seeds.Mix(Options.Seed, Seeds.HeldOut, 0)).Permutation(count);
        Table = table.Pick(order.Skip(held).Order());
        var rows = order.Take(held).Order().Select(row => Reader.Read(table.Rows[row], draws: null)).ToArray();
        using (Model.Enter())
            Monitor = new ConvergenceMonitor(Graph, Assembler, Encoder, rows, Options, Objective.Timesteps);
    }

    private IPreprocessor? Preprocessor(TrainingTable table)
    {
        if (Options.Preprocess is { } kind)
            return ConditionCatalog.Find(kind).Open(Options.PreprocessOptions);
        return table.Rows.FirstOrDefault(row => row.Condition is null) is { } without
            ? throw new ControlNetException($"{without.Where}: has no condition; name the kind to make from each image ({nameof(TrainingOptions.Preprocess)}), or a column.")
            : null;
    }

    private static void RequireTextToImage(DiffusionModel model)
    {
        if (model.Folder.Task != ModelTask.TextToImage)
            throw new ControlNetException($"The UNet takes {model.Folder.UNet.InChannels} channels, expected {model.Folder.Autoencoder.LatentChannels}, those of its latents: control networks are trained on the plain text-to-image model, and fit its inpainting and depth relatives.");
    }

    private T Own<T>(T thing)
        where T : IDisposable
    {
        _owned.Add(thing);
        return thing;
    }
}
