using System.Text.Json;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>
/// A UNet that predicts for each row the row's text, which is as long as the latents: so every step can be worked out by hand.
/// </summary>
internal sealed class PlantedPredictions : IDiffusionBackend, IDenoiser
{
    private DenoiserInputs? _inputs;

    public string Description => "planted";

    /// <summary>The latents of each row that the UNet was given, step by step.</summary>
    public List<float[]> Samples { get; } = [];

    /// <summary>
    /// A sampler over three training timesteps, all of which run, whose signal and noise are sides of right triangles:
    /// 0.28 and 0.96 at first, then 0.6 and 0.8, then 0.8 and 0.6. Its noise levels σ are 24/7, 4/3 and 3/4.
    /// </summary>
    public static SchedulerConfig ThreeSteps(string kind) => SchedulerConfig.Parse(
        JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
        {
            ["_class_name"] = kind,
            ["num_train_timesteps"] = 3,
            ["trained_betas"] = new[] { 1 - 0.64, 1 - (0.36 / 0.64), 1 - (0.0784 / 0.36) },
            ["clip_sample"] = false,
        }),
        "scheduler");

    /// <summary>Runs it, and gives the latents of every row after every step.</summary>
    public IReadOnlyList<float[][]> Run(SchedulerConfig scheduler, params IReadOnlyList<DenoisingRow> rows) =>
    [
        .. new DenoisingLoop(this, UNetConfig.StableDiffusion15).Run(rows, scheduler, 3)
            .Select(step => step.Latents.Select(latents => (float[])latents.Values.Clone()).ToArray()),
    ];

    public IDenoiser CreateDenoiser(DenoiserInputs inputs)
    {
        _inputs = inputs;
        return this;
    }

    public void Predict(TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, TensorData prediction)
    {
        Samples.Add((float[])sample.Values.Clone());
        _inputs!.Text.Values.CopyTo(prediction.Values, 0);
    }

    public TextEmbedding EncodeText(IReadOnlyList<IReadOnlyList<int>> tokens, int? clipSkip) => throw new InvalidOperationException();

    public (TensorData Mean, TensorData LogVariance) EncodeImage(TensorData image) => throw new InvalidOperationException();

    public TensorData DecodeImage(TensorData latents) => throw new InvalidOperationException();

    public void Dispose()
    {
    }
}
