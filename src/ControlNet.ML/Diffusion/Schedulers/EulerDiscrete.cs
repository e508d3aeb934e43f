namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>Euler's method on dx/dσ, with optional added noise (Karras et al., 2022, algorithm 2 without its correction).</summary>
public sealed class EulerDiscrete : SigmaScheduler
{
    internal static readonly SchedulerClass Class = new(
        "EulerDiscreteScheduler",
        """
        {"num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "trained_betas": null,
         "prediction_type": "epsilon", "interpolation_type": "linear", "use_karras_sigmas": false, "use_exponential_sigmas": false,
         "use_beta_sigmas": false, "sigma_min": null, "sigma_max": null, "timestep_spacing": "linspace", "timestep_type": "discrete",
         "steps_offset": 0, "rescale_betas_zero_snr": false, "final_sigmas_type": "zero"}
        """,
        (config, steps, options) => new EulerDiscrete(config, steps, options))
    {
        Choices = new() { ["interpolation_type"] = ["linear", "log_linear"], ["timestep_type"] = ["discrete", "continuous"] },
        Options =
        [
            nameof(SchedulerOptions.Timesteps), nameof(SchedulerOptions.Sigmas), nameof(SchedulerOptions.Churn),
            nameof(SchedulerOptions.ChurnFrom), nameof(SchedulerOptions.ChurnTo), nameof(SchedulerOptions.ChurnNoise),
        ],
    };

    private const double LargestRaise = 0.41421356237309515; // √2 - 1
    private readonly double _churn;
    private readonly double _from;
    private readonly double _to;
    private readonly double _noise;
    private float[] _derivative = [];

    private EulerDiscrete(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, PlanOf(config, steps, options), options)
    {
        _churn = options.Churn ?? 0;
        _from = options.ChurnFrom ?? 0;
        _to = options.ChurnTo ?? double.PositiveInfinity;
        _noise = options.ChurnNoise ?? 1;
    }

    private protected override void Allocate(int length) => _derivative = new float[length];

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        var (sigma, next) = (Sigmas[Begin + step], Sigmas[Begin + step + 1]);
        var raise = sigma >= _from && sigma <= _to ? Math.Min(_churn / (Sigmas.Length - 1), LargestRaise) : 0;
        var raised = (float)(sigma * (1 + raise));
        if (raise > 0)
            WeightedSum.Add(sample, _noise * MathF.Sqrt((raised * raised) - (sigma * sigma)), Draw(noise));
        Derivative(output, sample, sigma, raised, _derivative);
        WeightedSum.Add(sample, next - raised, _derivative);
    }

    private static SigmaPlan PlanOf(SchedulerConfig config, int steps, SchedulerOptions options)
    {
        var levels = new NoiseLevels(config);
        var continuous = config is { TimestepType: "continuous", PredictionType: PredictionType.Velocity };
        if (continuous && options.Timesteps is not null)
        {
            throw new ArgumentException(
                $"Custom timesteps, but {config.ClassName} is continuous ('timestep_type'): expected one or the other.", nameof(options));
        }

        var plan = options.Sigmas is { } own ? PlanOf(own, levels) : SigmaPlan.Of(config, steps, options.Timesteps, levels);

        // A continuous v-prediction model takes ¼ ln σ instead of a timestep.
        return continuous
            ? plan with { Timesteps = [.. plan.Sigmas[..^1].Select(sigma => (double)(0.25f * MathF.Log(sigma)))] }
            : plan;
    }

    private static SigmaPlan PlanOf(IReadOnlyList<double> own, NoiseLevels levels)
    {
        for (var i = 0; i < own.Count; i++)
        {
            var last = i == own.Count - 1;
            if (!(double.IsFinite(own[i]) && (last ? own[i] >= 0 : own[i] > 0)) || (i > 0 && own[i] >= own[i - 1]))
                throw new ArgumentException(
                    $"Sigma {i} is {own[i]}, expected descending noise levels above 0, the last at least 0.", nameof(own));
        }

        float[] sigmas = [.. own.Select(sigma => (float)sigma)];
        return new SigmaPlan([.. sigmas[..^1].Select(levels.SingleTimestepOf)], sigmas);
    }
}
