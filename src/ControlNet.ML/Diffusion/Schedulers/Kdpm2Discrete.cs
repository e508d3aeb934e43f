namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>DPM-Solver-2 on dx/dσ, deterministic, with the midpoint at the geometric mean of two noise levels.</summary>
public sealed class Kdpm2Discrete : MidpointScheduler
{
    internal const string Defaults =
        """
        {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "linear", "trained_betas": null,
         "use_karras_sigmas": false, "use_exponential_sigmas": false, "use_beta_sigmas": false, "prediction_type": "epsilon",
         "timestep_spacing": "linspace", "steps_offset": 0}
        """;

    internal static readonly SchedulerClass Class = new(
        "KDPM2DiscreteScheduler",
        Defaults,
        (config, steps, options) => new Kdpm2Discrete(config, steps, PlanWithMidpoints(config, steps, Between), options))
    {
        Choices = new() { ["prediction_type"] = ["epsilon", "v_prediction"] },
    };

    private Kdpm2Discrete(SchedulerConfig config, int steps, (SigmaPlan Plan, MidpointStep[] Midpoints) plan, SchedulerOptions options)
        : base(config, steps, plan.Plan, plan.Midpoints, options)
    {
    }

    private static MidpointStep Between(float sigma, float next) => new(sigma, Midway(next, sigma), next, null);
}
