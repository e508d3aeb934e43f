namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// Multistep consistency sampling of latent consistency models (Luo et al., 2023, algorithm 3): good images in 1 to 8 steps from a
/// distilled model.
/// </summary>
public sealed class Lcm : AlphaScheduler
{
    internal static readonly SchedulerClass Class = new(
        "LCMScheduler",
        Distillation.Defaults,
        (config, steps, options) => new Lcm(config, steps, options))
    {
        Options =
        [
            nameof(SchedulerOptions.Timesteps), nameof(SchedulerOptions.OriginalInferenceSteps), nameof(SchedulerOptions.OriginalStrength),
        ],
    };

    // σ_data of the boundary conditions, equation 9 of consistency models (Song et al., 2023).
    private const double DataDeviation = 0.5;
    private readonly int _steps;
    private readonly double _scaling;
    private float[] _original = [];

    private Lcm(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, Distillation.Timesteps(config, steps, options), options) =>
        (_steps, _scaling) = (steps, config.TimestepScaling);

    private protected override void Allocate(int length) => _original = new float[length];

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        var timestep = (int)Timesteps[step];
        var alphaBar = AlphaBar(timestep);
        Predicted.PredOriginalSample(output, sample, Math.Sqrt(alphaBar), Math.Sqrt(1 - alphaBar), _original);
        Predicted.Bound(_original);

        var scaled = timestep * _scaling;
        var norm = (scaled * scaled) + (DataDeviation * DataDeviation);
        WeightedSum.Set(sample, scaled / Math.Sqrt(norm), _original, DataDeviation * DataDeviation / norm, sample);
        if (Begin + step == _steps - 1)
            return;
        var next = AlphaBar((int)Timesteps[Math.Min(step + 1, Count - 1)]);
        WeightedSum.Set(sample, Math.Sqrt(next), sample, Math.Sqrt(1 - next), Draw(noise));
    }
}
