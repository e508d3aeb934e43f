namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// Ancestral sampling with Euler steps (k-diffusion's <c>sample_euler_ancestral</c>): each step goes below the next noise level and adds
/// noise to reach it.
/// </summary>
public sealed class EulerAncestralDiscrete : SigmaScheduler
{
    internal static readonly SchedulerClass Class = new(
        "EulerAncestralDiscreteScheduler",
        """
        {"num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "trained_betas": null,
         "prediction_type": "epsilon", "timestep_spacing": "linspace", "steps_offset": 0, "rescale_betas_zero_snr": false}
        """,
        (config, steps, options) => new EulerAncestralDiscrete(config, steps, options))
    {
        Choices = new() { ["prediction_type"] = ["epsilon", "v_prediction"] },
    };

    private float[] _derivative = [];

    private EulerAncestralDiscrete(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, SigmaPlan.Of(config, steps, null, new NoiseLevels(config)), options)
    {
    }

    private protected override void Allocate(int length) => _derivative = new float[length];

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        var (sigma, next) = (Sigmas[Begin + step], Sigmas[Begin + step + 1]);
        var (up, down) = AncestralStep(sigma, next);
        Derivative(output, sample, sigma, _derivative);
        WeightedSum.Add(sample, down - sigma, _derivative);

        // The last noise has no weight, but torch's generator has advanced past it.
        WeightedSum.Add(sample, up, Draw(noise));
    }

    /// <summary>
    /// The new noise that a step adds (up), and the σ that the step goes to before (down): up² + down² is the next σ². In float32 and
    /// diffusers' order, as the differences magnify rounding errors.
    /// </summary>
    internal static (float Up, float Down) AncestralStep(float sigma, float next)
    {
        var (from, to) = (sigma * sigma, next * next);
        var up = MathF.Sqrt(to * (from - to) / from);
        return (up, MathF.Sqrt(to - (up * up)));
    }
}
