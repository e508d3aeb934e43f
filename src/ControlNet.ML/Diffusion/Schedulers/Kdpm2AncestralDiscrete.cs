namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>DPM-Solver-2 on dx/dσ with ancestral noise: each step goes below the next noise level and adds noise up to it.</summary>
public sealed class Kdpm2AncestralDiscrete : MidpointScheduler
{
    internal static readonly SchedulerClass Class = new(
        "KDPM2AncestralDiscreteScheduler",
        Kdpm2Discrete.Defaults,
        (config, steps, options) => new Kdpm2AncestralDiscrete(config, steps, Staged(config, steps, Between), options))
    {
        Choices = new() { ["prediction_type"] = ["epsilon", "v_prediction"] },
    };

    private Kdpm2AncestralDiscrete(SchedulerConfig config, int steps, (SigmaPlan Plan, Stage[] Stages) staged, SchedulerOptions options)
        : base(config, steps, staged.Plan, staged.Stages, options)
    {
    }

    private static Stage Between(float sigma, float next)
    {
        var (up, down) = EulerAncestralDiscrete.AncestralStep(sigma, next);
        return new Stage(sigma, Midway(sigma, down), down, up);
    }
}
