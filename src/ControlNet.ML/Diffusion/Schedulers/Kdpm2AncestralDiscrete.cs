namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>DPM-Solver-2 on dx/dσ with ancestral noise: each step goes below the next noise level and adds noise to reach it.</summary>
public sealed class Kdpm2AncestralDiscrete : MidpointScheduler
{
    internal static readonly SchedulerClass Class = new(
        "KDPM2AncestralDiscreteScheduler",
        Kdpm2Discrete.Defaults,
        (config, steps, options) => new Kdpm2AncestralDiscrete(config, steps, PlanWithMidpoints(config, steps, Between), options))
    {
        Choices = new() { ["prediction_type"] = ["epsilon", "v_prediction"] },
    };

    private Kdpm2AncestralDiscrete(
        SchedulerConfig config, int steps, (SigmaPlan Plan, MidpointStep[] Midpoints) plan, SchedulerOptions options)
        : base(config, steps, plan.Plan, plan.Midpoints, options)
    {
    }

    private static MidpointStep Between(float sigma, float next)
    {
        var (up, down) = EulerAncestralDiscrete.AncestralStep(sigma, next);
        return new MidpointStep(sigma, Midway(sigma, down), down, up);
    }
}
