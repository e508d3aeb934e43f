namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>Denoising diffusion probabilistic models (Ho et al., 2020): ancestral sampling by the posterior of equations 6 and 7.</summary>
public sealed class Ddpm : AlphaScheduler
{
    internal static readonly SchedulerClass Class = new(
        "DDPMScheduler",
        """
        {"num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "trained_betas": null,
         "variance_type": "fixed_small", "clip_sample": true, "prediction_type": "epsilon", "thresholding": false,
         "dynamic_thresholding_ratio": 0.995, "clip_sample_range": 1.0, "sample_max_value": 1.0, "timestep_spacing": "leading",
         "steps_offset": 0, "rescale_betas_zero_snr": false}
        """,
        (config, steps, options) => new Ddpm(config, steps, options))
    {
        Choices = new()
        {
            ["beta_schedule"] = ["linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"],
            ["variance_type"] = ["fixed_small", "fixed_small_log", "fixed_large"],
        },
        Options = [nameof(SchedulerOptions.Timesteps)],
    };

    private const double LeastVariance = 1e-20;
    private readonly bool _large;
    private float[] _original = [];

    private Ddpm(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(
            config,
            steps,
            options.Timesteps is { } own ? TimestepSpacing.Own(config, own) : TimestepSpacing.Whole(config, steps),
            options) =>
        _large = config.VarianceType == "fixed_large";

    private protected override void Allocate(int length) => _original = new float[length];

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        var timestep = (int)Timesteps[step];
        var alphaBar = AlphaBar(timestep);
        var alphaBarNext = step + 1 < Count && Timesteps[step + 1] >= 0 ? AlphaBar((int)Timesteps[step + 1]) : 1;
        var (beta, betaNext) = (1 - alphaBar, 1 - alphaBarNext);
        var alphaStep = alphaBar / alphaBarNext;
        var betaStep = 1 - alphaStep;

        Predicted.PredOriginalSample(output, sample, Math.Sqrt(alphaBar), Math.Sqrt(beta), _original);
        Predicted.Bound(_original);
        WeightedSum.Set(sample, Math.Sqrt(alphaBarNext) * betaStep / beta, _original, Math.Sqrt(alphaStep) * betaNext / beta, sample);
        if (timestep <= 0)
            return;
        var variance = _large ? betaStep : Math.Max(betaNext / beta * betaStep, LeastVariance);
        WeightedSum.Add(sample, Math.Sqrt(variance), Draw(noise));
    }
}
