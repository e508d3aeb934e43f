namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// DPM-Solver and DPM-Solver++, multistep (Lu et al., 2022), of order 1 to 3, deterministic or as stochastic differential equations. At
/// second order, other programs call them "DPM++ 2M" and "DPM++ 2M SDE".
/// </summary>
public sealed class DpmSolverMultistep : DpmSolver
{
    internal static readonly SchedulerClass Class = new(
        "DPMSolverMultistepScheduler",
        """
        {"num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "trained_betas": null,
         "solver_order": 2, "prediction_type": "epsilon", "thresholding": false, "dynamic_thresholding_ratio": 0.995,
         "sample_max_value": 1.0, "algorithm_type": "dpmsolver++", "solver_type": "midpoint", "lower_order_final": true,
         "euler_at_final": false, "use_karras_sigmas": false, "use_exponential_sigmas": false, "use_beta_sigmas": false,
         "use_lu_lambdas": false, "use_flow_sigmas": false, "flow_shift": 1.0, "final_sigmas_type": "zero",
         "lambda_min_clipped": -Infinity, "variance_type": null, "timestep_spacing": "linspace", "steps_offset": 0,
         "rescale_betas_zero_snr": false, "use_dynamic_shifting": false, "time_shift_type": "exponential"}
        """,
        (config, steps, options) => new DpmSolverMultistep(config, steps, options))
    {
        Choices = new()
        {
            ["algorithm_type"] = ["dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++"],
            ["solver_type"] = ["midpoint", "heun"],
            ["variance_type"] = [null],
        },
        Replacements = OfOtherClasses,
        Options = [nameof(SchedulerOptions.Timesteps)],
    };

    // With fewer steps than this, the last ones use a lower order (lower_order_final): more stable, as the paper found.
    private const int FewSteps = 15;
    private readonly int[] _orders;

    private DpmSolverMultistep(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, PlanOf(config, steps, options, round: config.BetaSchedule != "squaredcos_cap_v2"), options)
    {
        if (config is { AlgorithmType: "sde-dpmsolver", SolverOrder: 3 })
            throw config.Wrong("'solver_order' is 3, expected 1 or 2 for 'algorithm_type' \"sde-dpmsolver\"");
        _orders = [.. Enumerable.Range(0, Count).Select(OrderAt)];
    }

    private protected override DpmUpdate.Terms TermsOf(int step) => _orders[step] switch
    {
        1 => Update.First(At(step), At(step + 1)),
        2 => Update.SecondMultistep(At(step - 1), At(step), At(step + 1)),
        _ => Update.ThirdMultistep(At(step - 2), At(step - 1), At(step), At(step + 1)),
    };

    private protected override ReadOnlySpan<float> Start(int step, ReadOnlySpan<float> sample) => sample;

    private int OrderAt(int step)
    {
        var left = Schedule.Length - (Begin + step);
        var lower = Config.LowerOrderFinal && Schedule.Length < FewSteps;
        var most = left == 1 && (Config.EulerAtFinal || lower || Config.FinalSigmasType == "zero") ? 1
            : left == 2 && lower ? 2
            : Config.SolverOrder;
        return Math.Min(Math.Min(most, Config.SolverOrder), step + 1);
    }
}
