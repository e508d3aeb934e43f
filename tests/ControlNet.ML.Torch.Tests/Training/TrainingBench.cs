using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Weights;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>The networks of a tiny model, the trainer's parts, and the rows of fixtures/training.</summary>
internal sealed class TrainingBench : IDisposable
{
    public const double Rate = 1e-3;
    private static readonly TorchDevice Cpu = new(CPU, ScalarType.Float32);
    private readonly TorchSharp.DisposeScope _scope;

    public TrainingBench(
        string model = "sd1", string? control = null, PredictionType prediction = PredictionType.Epsilon, double? gamma = null,
        bool onlyMid = false, bool unlocked = false, bool recompute = false)
    {
        TorchNative.EnsureLoaded();
        _scope = NewDisposeScope();
        var folder = ModelFolder.Open(Fixtures.Path("models", model));
        using (var weights = folder.OpenWeights("unet"))
            UNet = StateDict.Load(() => new UNet2DConditionModel(folder.UNet), weights, ScalarType.Float32, CPU);
        var config = control is null
            ? ControlNetConfig.FromUNet(folder.UNet) with { ConditioningEmbeddingOutChannels = ControlFolder.Open(Fixtures.Path("models", "sd1-control-a")).Config.ConditioningEmbeddingOutChannels }
            : ControlFolder.Open(Fixtures.Path("models", control)).Config;
        if (control is null)
        {
            Control = (ControlNetModel)TrainedNetwork.FromUNet(config, UNet, Cpu, 0);
            Overwrite(Control, new ReferenceTensors(Fixtures.Path("training", "initial.safetensors")));
        }
        else
        {
            using var weights = ControlFolder.Open(Fixtures.Path("models", control)).OpenWeights();
            Control = StateDict.Load(() => new ControlNetModel(config), weights, ScalarType.Float32, CPU);
        }

        Schedule = NoiseSchedule.Create(SchedulerConfig.Parse(
            """{"_class_name":"DDIMScheduler","beta_schedule":"scaled_linear","beta_start":0.00085,"beta_end":0.012}"""u8, "scheduler"));
        Objective = new DenoisingObjective(Schedule, prediction, gamma, CPU);
        Graph = new ControlGraph(UNet, Control, Objective, onlyMid, recompute);
        Parameters = [.. Control.named_parameters().Select(p => new TrainableParameter(p.name, p.parameter))];
        if (unlocked)
            Decoder = [.. TrainedNetwork.Decoder(UNet).Select(p => new TrainableParameter(p.Name, p.Parameter))];
        Optimizer = new AdamW([.. Parameters, .. Decoder], new AdamWOptions());
    }

    public UNet2DConditionModel UNet { get; }

    public ControlNetModel Control { get; }

    public NoiseSchedule Schedule { get; }

    public DenoisingObjective Objective { get; }

    public ControlGraph Graph { get; }

    public IReadOnlyList<TrainableParameter> Parameters { get; }

    public IReadOnlyList<TrainableParameter> Decoder { get; } = [];

    public AdamW Optimizer { get; }

    /// <summary>Rows of the pool.</summary>
    public static TrainingBatch Pool(int[] rows, int[]? timesteps = null)
    {
        var pool = new ReferenceTensors(Fixtures.Path("training", "pool.safetensors"));
        return new TrainingBatch(
            Rows("latents"),
            Rows("noise"),
            timesteps ?? [.. rows.Select(r => (int)pool.Doubles("timesteps")[r])],
            Rows("condition") / 255f,
            new UNetInputs(zeros(0), Rows("encoder_hidden_states")));

        Tensor Rows(string name)
        {
            var all = tensor(pool.Floats(name), [.. pool.Shape(name).Select(s => (long)s)]);
            return cat([.. rows.Select(r => all.narrow(0, r, 1))]);
        }
    }

    public IReadOnlyDictionary<string, Tensor?> Gradients(IReadOnlyList<TrainableParameter>? of = null) =>
        (of ?? Parameters).ToDictionary(p => p.Name, p => p.Gradient);

    public void Clear()
    {
        foreach (var parameter in Parameters.Concat(Decoder))
            parameter.Clear();
    }

    public double Clip(double? most) => GradientNorm.Clip([.. Parameters, .. Decoder], most);

    public void Dispose() => _scope.Dispose();

    public static void Overwrite(ControlNetModel network, ReferenceTensors values)
    {
        using var _ = no_grad();
        foreach (var (name, parameter) in network.named_parameters())
            parameter.copy_(tensor(values.Floats(name), parameter.shape));
    }
}
