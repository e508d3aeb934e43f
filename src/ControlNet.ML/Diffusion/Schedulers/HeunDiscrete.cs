namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// Heun's method on dx/dσ (Karras et al., 2022, algorithm 2 without added noise): an Euler step, then the mean of the derivatives at both
/// ends. Two network calls per step, one for the last.
/// </summary>
public sealed class HeunDiscrete : SigmaScheduler
{
    internal static readonly SchedulerClass Class = new(
        "HeunDiscreteScheduler",
        """
        {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "linear", "trained_betas": null,
         "prediction_type": "epsilon", "use_karras_sigmas": false, "use_exponential_sigmas": false, "use_beta_sigmas": false,
         "clip_sample": false, "clip_sample_range": 1.0, "timestep_spacing": "linspace", "steps_offset": 0}
        """,
        (config, steps, options) => new HeunDiscrete(config, steps, options))
    {
        Choices = new() { ["beta_schedule"] = ["linear", "scaled_linear", "squaredcos_cap_v2", "exp"] },
        Options = [nameof(SchedulerOptions.Timesteps)],
    };

    private float[] _start = [];
    private float[] _derivative = [];
    private float[] _derivativeAtEnd = [];

    private HeunDiscrete(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, Doubled(SigmaPlan.Of(config, steps, options.Timesteps, new NoiseLevels(config))), options, evaluations: 2)
    {
    }

    private protected override void Allocate(int length) =>
        (_start, _derivative, _derivativeAtEnd) = (new float[length], new float[length], new float[length]);

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        var index = Begin + step;
        if (step % 2 == 0)
        {
            Derivative(output, sample, Sigmas[index], _derivative);
            sample.CopyTo(_start);
            WeightedSum.Add(sample, Sigmas[index + 1] - Sigmas[index], _derivative);
            return;
        }

        Derivative(output, sample, Sigmas[index], _derivativeAtEnd);
        var half = (Sigmas[index] - Sigmas[index - 1]) / 2;
        WeightedSum.Set(sample, 1, _start, half, _derivative);
        WeightedSum.Add(sample, half, _derivativeAtEnd);
    }

    // Every noise level except the first and the last ends one step and starts the next.
    private static SigmaPlan Doubled(SigmaPlan plan) => new(
        [plan.Timesteps[0], .. plan.Timesteps.Skip(1).SelectMany(timestep => new[] { timestep, timestep })],
        [plan.Sigmas[0], .. plan.Sigmas[1..^1].SelectMany(sigma => new[] { sigma, sigma }), plan.Sigmas[^1]]);
}
