using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Training;
using static TorchSharp.torch;

namespace ControlNet.ML.EmojiTraining.Baselines;

/// <summary>The embedded model with its UNet in reach, which the baselines differentiate through.</summary>
internal sealed class FrozenBase : IDisposable
{
    private readonly DiffusionModel _model;
    private readonly NoiseSchedule _schedule;

    /// <param name="cancellationToken">Checked while weights are read.</param>
    public FrozenBase(CancellationToken cancellationToken)
    {
        _model = DiffusionModel.Load("emoji", new LoadOptions { Device = "cpu", Preload = true }, cancellationToken);
        UNet = ((TorchBackend)_model.Backend).UNet;
        _schedule = NoiseSchedule.Create(_model.Scheduler);
        Objective = new DenoisingObjective(_schedule, _model.Scheduler.PredictionType, minSnrGamma: null, CPU);
    }

    /// <summary>The UNet.</summary>
    public UNet2DConditionModel UNet { get; }

    /// <summary>Noise and target of training.</summary>
    public DenoisingObjective Objective { get; }

    /// <summary>The model's folder with its configurations.</summary>
    public Weights.ModelFolder Folder => _model.Folder;

    /// <summary>The scheduler of a number of steps.</summary>
    public Scheduler CreateScheduler(int steps) => Scheduler.Create(_model.Scheduler, steps);

    /// <summary>The noise level √(1 - ᾱ_t) of each row, [N].</summary>
    public Tensor Levels(IReadOnlyList<int> timesteps)
    {
        var levels = new float[timesteps.Count];
        for (var i = 0; i < levels.Length; i++)
            levels[i] = MathF.Sqrt(1 - _schedule.AlphasCumprod[timesteps[i]]);
        return tensor(levels);
    }

    /// <summary>An image's latents, [1, C, h, w].</summary>
    public TensorData Encode(ImageBuffer image) => _model.Encode(TensorImages.ToSigned(Color.Hwc3(image)));

    /// <summary>The image of latents, [1, C, h, w].</summary>
    public ImageBuffer Decode(TensorData latents) => TensorImages.FromUnit(_model.Decode(latents))[0];

    /// <summary>An embedded prompt, [1, tokens, width].</summary>
    public TensorData Text(string prompt) => _model.EncodeText(prompt).Hidden;

    /// <summary>The noise that the model's own pipeline starts from with a seed, [1, C, h, w].</summary>
    public TensorData Noise(ulong seed, int side)
    {
        var size = side / Folder.Autoencoder.ScaleFactor;
        var noise = TensorData.Zeros(1, Folder.Autoencoder.LatentChannels, size, size);
        new TorchRandom(seed).FillNormal(noise.Values);
        return noise;
    }

    public void Dispose()
    {
        Objective.Dispose();
        _model.Dispose();
    }
}
