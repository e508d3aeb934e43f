namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// Denoising diffusion implicit models (Song et al., 2020), equation 12: deterministic with η = 0, DDPM's variance with η = 1.
/// </summary>
public sealed class Ddim : AlphaScheduler
{
    internal static readonly SchedulerClass Class = new(
        "DDIMScheduler",
        """
        {"num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "trained_betas": null,
         "clip_sample": true, "set_alpha_to_one": true, "steps_offset": 0, "prediction_type": "epsilon", "thresholding": false,
         "dynamic_thresholding_ratio": 0.995, "clip_sample_range": 1.0, "sample_max_value": 1.0, "timestep_spacing": "leading",
         "rescale_betas_zero_snr": false}
        """,
        (config, steps, options) => new Ddim(config, steps, options))
    {
        Options = [nameof(SchedulerOptions.Eta), nameof(SchedulerOptions.UseClippedModelOutput)],
    };

    private readonly int _stride;
    private readonly double _eta;
    private readonly bool _useClipped;
    private float[] _original = [];
    private float[] _direction = [];

    private Ddim(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, TimestepSpacing.Whole(config, steps), options)
    {
        _stride = config.NumTrainTimesteps / steps;
        _eta = options.Eta ?? 0;
        _useClipped = options.UseClippedModelOutput ?? false;
    }

    private protected override void Allocate(int length) => (_original, _direction) = (new float[length], new float[length]);

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        var timestep = (int)Timesteps[step];
        var (alphaBar, alphaBarNext) = (AlphaBar(timestep), AlphaBarOrFinal(timestep - _stride));
        var (alpha, sigma) = (Math.Sqrt(alphaBar), Math.Sqrt(1 - alphaBar));

        Predicted.PredOriginalSample(output, sample, alpha, sigma, _original);
        Predicted.PredEpsilon(output, sample, alpha, sigma, _direction);
        Predicted.Bound(_original);
        if (_useClipped)
            Prediction.EpsilonOf(_original, sample, alpha, sigma, _direction);

        var variance = (1 - alphaBarNext) / (1 - alphaBar) * (1 - (alphaBar / alphaBarNext));
        var deviation = _eta * Math.Sqrt(variance);
        WeightedSum.Set(sample, Math.Sqrt(alphaBarNext), _original, Math.Sqrt(1 - alphaBarNext - (deviation * deviation)), _direction);
        if (_eta > 0)
            WeightedSum.Add(sample, deviation, Draw(noise));
    }
}
