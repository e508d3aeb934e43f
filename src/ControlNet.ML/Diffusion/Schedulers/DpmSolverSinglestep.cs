namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// DPM-Solver and DPM-Solver++ in their singlestep form (Lu et al., 2022): groups of one to three steps, each from the group's start
/// by the outputs within it.
/// </summary>
public sealed class DpmSolverSinglestep : LambdaScheduler
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
        Replacements = new()
        {
            [("algorithm_type", "deis")] = "dpmsolver++",
            [("solver_type", "logrho")] = "midpoint",
            [("solver_type", "bh1")] = "midpoint",
            [("solver_type", "bh2")] = "midpoint",
        },
        Options = [nameof(SchedulerOptions.Timesteps)],
    };

    private readonly DpmUpdate _update;
    private readonly int[] _orders;
    private float[] _start = [];
    private History _outputs = new(0, 0);

    private DpmSolverSinglestep(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, PlanOf(config, steps, options), options)
    {
        _update = new DpmUpdate(config);
        _orders = OrdersOf(config, steps);
    }

    private protected override void Allocate(int length)
    {
        _start = new float[length];
        _outputs = new History(Config.SolverOrder, length);
    }

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        var latest = _outputs.Push();
        if (_update.OnOriginal)
            Original(output, step, sample, latest);
        else
            Noise(output, step, sample, latest);

        var order = Math.Min(_orders[Begin + step], _outputs.Count);
        if (order == 1)
            sample.CopyTo(_start);
        var terms = order switch
        {
            1 => _update.First(At(step), At(step + 1)),
            2 => _update.SecondSinglestep(At(step - 1), At(step), At(step + 1)),
            _ => _update.ThirdSinglestep(At(step - 2), At(step - 1), At(step), At(step + 1)),
        };
        Blend.Set(sample, terms.Sample, _start, terms.Latest, latest);
        if (terms.Before != 0)
            Blend.Add(sample, terms.Before, _outputs[1]);
        if (terms.Earlier != 0)
            Blend.Add(sample, terms.Earlier, _outputs[2]);
        if (_update.Stochastic)
            Blend.Add(sample, terms.Noise, Draw(noise));
    }

    private static SigmaPlan PlanOf(SchedulerConfig config, int steps, SchedulerOptions options)
    {
        var levels = new NoiseLevels(config);
        var last = config.NumTrainTimesteps - levels.CountBelow(config.LambdaMinClipped);
        var plan = SigmaPlan.OfSolver(config, steps, options.Timesteps, levels, last, round: true);
        return plan.EndingIn(config.FinalSigmasType == "zero" ? 0 : levels.Least);
    }

    // Groups 1, 2, 3 as long as the order, the last one cut short where steps do not divide. The very last step is of first order where
    // lower_order_final says so of a whole group, and where it goes to a noise of zero.
    private static int[] OrdersOf(SchedulerConfig config, int steps)
    {
        int[] orders = [.. Enumerable.Range(0, steps).Select(step => (step % config.SolverOrder) + 1)];
        if (config.FinalSigmasType == "zero" || (config.LowerOrderFinal && steps % config.SolverOrder == 0))
            orders[^1] = 1;
        return orders;
    }
}
