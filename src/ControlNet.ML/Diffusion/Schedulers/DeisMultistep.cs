namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// Diffusion exponential integrator sampling (Zhang and Chen, 2022), log-rho multistep of order 1 to 3 on the predicted noise.
/// </summary>
public sealed class DeisMultistep : LambdaScheduler
{
    internal static readonly SchedulerClass Class = new(
        "DEISMultistepScheduler",
        """
        {"num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "trained_betas": null,
         "solver_order": 2, "prediction_type": "epsilon", "thresholding": false, "dynamic_thresholding_ratio": 0.995,
         "sample_max_value": 1.0, "algorithm_type": "deis", "solver_type": "logrho", "lower_order_final": true,
         "use_karras_sigmas": false, "use_exponential_sigmas": false, "use_beta_sigmas": false, "use_flow_sigmas": false,
         "flow_shift": 1.0, "timestep_spacing": "linspace", "steps_offset": 0, "use_dynamic_shifting": false,
         "time_shift_type": "exponential"}
        """,
        (config, steps, options) => new DeisMultistep(config, steps, options))
    {
        Choices = new() { ["algorithm_type"] = ["deis"], ["solver_type"] = ["logrho"] },
        Replacements = new()
        {
            [("algorithm_type", "dpmsolver")] = "deis",
            [("algorithm_type", "dpmsolver++")] = "deis",
            [("solver_type", "midpoint")] = "logrho",
            [("solver_type", "heun")] = "logrho",
            [("solver_type", "bh1")] = "logrho",
            [("solver_type", "bh2")] = "logrho",
        },
    };

    // With fewer steps than this, the last ones use a lower order (lower_order_final).
    private const int FewSteps = 15;
    private readonly int[] _orders;
    private History _outputs = new(0, 0);

    private DeisMultistep(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, PlanOf(config, steps), options) => _orders = [.. Enumerable.Range(0, Count).Select(OrderAt)];

    private protected override void Allocate(int length) => _outputs = new History(Config.SolverOrder, length);

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        Noise(output, step, sample, _outputs.Push());
        Span<double> weights = stackalloc double[3];
        Weigh(step, weights);
        var (from, to) = (At(step), At(step + 1));
        WeightedSum.Set(sample, to.Alpha / from.Alpha, sample, to.Alpha * weights[0], _outputs[0]);
        for (var i = 1; i < _orders[step]; i++)
            WeightedSum.Add(sample, to.Alpha * weights[i], _outputs[i]);
    }

    private protected override bool IsFinite(int step)
    {
        Span<double> weights = stackalloc double[3];
        Weigh(step, weights);
        return double.IsFinite(weights[0] + weights[1] + weights[2]);
    }

    // The weights of the network outputs in a step, latest first.
    private void Weigh(int step, Span<double> weights)
    {
        // With ρ = σ / α, d(x / α) = ε dρ: the outputs are integrated as a polynomial in ln ρ. λ is -ln ρ.
        double t = -At(step + 1).Lambda, a = -At(step).Lambda;
        switch (_orders[step])
        {
            case 1:
                weights[0] = Math.Exp(t) - Math.Exp(a);
                break;
            case 2:
                var b = -At(step - 1).Lambda;
                weights[0] = Linear(t, a, b) - Linear(a, a, b);
                weights[1] = Linear(t, b, a) - Linear(a, b, a);
                break;
            default:
                var (c, d) = (-At(step - 1).Lambda, -At(step - 2).Lambda);
                weights[0] = Quadratic(t, a, c, d) - Quadratic(a, a, c, d);
                weights[1] = Quadratic(t, c, d, a) - Quadratic(a, c, d, a);
                weights[2] = Quadratic(t, d, a, c) - Quadratic(a, d, a, c);
                break;
        }
    }

    // ∫ (ln ρ - c) / (b - c) dρ at ln ρ = t.
    private static double Linear(double t, double b, double c) => Math.Exp(t) * (t - c - 1) / (b - c);

    // ∫ (ln ρ - c) (ln ρ - d) / ((b - c) (b - d)) dρ at ln ρ = t.
    private static double Quadratic(double t, double b, double c, double d) =>
        Math.Exp(t) * ((c * (d - t + 1)) - (d * t) + d + (t * t) - (2 * t) + 2) / ((b - c) * (b - d));

    private static SigmaPlan PlanOf(SchedulerConfig config, int steps)
    {
        var levels = new NoiseLevels(config);
        var plan = SigmaPlan.OfSolver(config, steps, null, levels, config.NumTrainTimesteps, round: true);
        return plan.EndingIn(
            config.UseKarrasSigmas || config.UseExponentialSigmas || config.UseBetaSigmas ? plan.Sigmas[^1] : levels.Least);
    }

    private int OrderAt(int step)
    {
        var left = Schedule.Length - (Begin + step);
        var most = Config.LowerOrderFinal && Schedule.Length < FewSteps ? Math.Min(left, Config.SolverOrder) : Config.SolverOrder;
        return Math.Min(most, step + 1);
    }
}
