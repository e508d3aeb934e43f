namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// DPM-Solver and DPM-Solver++, singlestep (Lu et al., 2022): groups of one to three steps, each starting from the sample at the group's
/// start and using the outputs within the group.
/// </summary>
public sealed class DpmSolverSinglestep : DpmSolver
{
    internal static readonly SchedulerClass Class = new(
        "DPMSolverSinglestepScheduler",
        """
        {"num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "trained_betas": null,
         "solver_order": 2, "prediction_type": "epsilon", "thresholding": false, "dynamic_thresholding_ratio": 0.995,
         "sample_max_value": 1.0, "algorithm_type": "dpmsolver++", "solver_type": "midpoint", "lower_order_final": false,
         "use_karras_sigmas": false, "use_exponential_sigmas": false, "use_beta_sigmas": false, "use_flow_sigmas": false,
         "flow_shift": 1.0, "final_sigmas_type": "zero", "lambda_min_clipped": -Infinity, "variance_type": null,
         "use_dynamic_shifting": false, "time_shift_type": "exponential"}
        """,
        (config, steps, options) => new DpmSolverSinglestep(config, steps, options))
    {
        Choices = new()
        {
            ["algorithm_type"] = ["dpmsolver", "dpmsolver++", "sde-dpmsolver++"],
            ["solver_type"] = ["midpoint", "heun"],
            ["variance_type"] = [null],
        },
        Replacements = OfOtherClasses,
        Options = [nameof(SchedulerOptions.Timesteps)],
    };

    private readonly int[] _orders;
    private float[] _start = [];

    private DpmSolverSinglestep(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, PlanOf(config, steps, options, round: true), options)
    {
        _orders = OrdersOf(config, steps);
    }

    private protected override void Allocate(int length)
    {
        base.Allocate(length);
        _start = new float[length];
    }

    private protected override DpmUpdate.Terms TermsOf(int step) => OrderAt(step) switch
    {
        1 => Update.First(At(step), At(step + 1)),
        2 => Update.SecondSinglestep(At(step - 1), At(step), At(step + 1)),
        _ => Update.ThirdSinglestep(At(step - 2), At(step - 1), At(step), At(step + 1)),
    };

    private protected override ReadOnlySpan<float> Start(int step, ReadOnlySpan<float> sample)
    {
        if (OrderAt(step) == 1)
            sample.CopyTo(_start);
        return _start;
    }

    // At most the number of available outputs.
    private int OrderAt(int step) => Math.Min(_orders[Begin + step], Math.Min(step + 1, Config.SolverOrder));

    // Groups of as many steps as the order, with orders 1, 2, 3; the last group is cut short if the steps do not divide. The last step is
    // of first order if lower_order_final is set and its group is whole, or if it leads to noise level zero.
    private static int[] OrdersOf(SchedulerConfig config, int steps)
    {
        int[] orders = [.. Enumerable.Range(0, steps).Select(step => (step % config.SolverOrder) + 1)];
        if (config.FinalSigmasType == "zero" || (config.LowerOrderFinal && steps % config.SolverOrder == 0))
            orders[^1] = 1;
        return orders;
    }
}
