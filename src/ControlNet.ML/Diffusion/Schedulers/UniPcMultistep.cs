namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// UniPC (Zhao et al., 2023): a predictor of any order, and a corrector that reuses the next network output at no extra cost.
/// </summary>
public sealed class UniPcMultistep : LambdaScheduler
{
    internal static readonly SchedulerClass Class = new(
        "UniPCMultistepScheduler",
        """
        {"num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "trained_betas": null,
         "solver_order": 2, "prediction_type": "epsilon", "thresholding": false, "dynamic_thresholding_ratio": 0.995,
         "sample_max_value": 1.0, "predict_x0": true, "solver_type": "bh2", "lower_order_final": true, "disable_corrector": [],
         "solver_p": null, "use_karras_sigmas": false, "use_exponential_sigmas": false, "use_beta_sigmas": false,
         "use_flow_sigmas": false, "flow_shift": 1.0, "timestep_spacing": "linspace", "steps_offset": 0, "final_sigmas_type": "zero",
         "rescale_betas_zero_snr": false, "use_dynamic_shifting": false, "time_shift_type": "exponential"}
        """,
        (config, steps, options) => new UniPcMultistep(config, steps, options))
    {
        Choices = new() { ["solver_type"] = ["bh1", "bh2"] },
        Replacements = new()
        {
            [("solver_type", "midpoint")] = "bh2",
            [("solver_type", "heun")] = "bh2",
            [("solver_type", "logrho")] = "bh2",
        },
    };

    // For each step: the factors of the sample and of the outputs, latest first.
    private readonly double[][] _predictors;
    private readonly double[]?[] _correctors;
    private readonly bool _onOriginal;
    private float[] _before = [];
    private History _outputs = new(0, 0);

    private UniPcMultistep(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(config, steps, PlanOf(config, steps), options)
    {
        _onOriginal = config.PredictX0;
        _predictors = [.. Enumerable.Range(0, Count).Select(step => Factors(step, OrderAt(step), corrects: false))];
        _correctors = [.. Enumerable.Range(0, Count)
            .Select(step => Corrects(step) ? Factors(step - 1, OrderAt(step - 1), corrects: true) : null)];
        for (var step = 0; step < Count; step++)
        {
            if (IsFinite(step) || HasEqualLevels)
                continue;
            throw config.Wrong(
                $"step {step + 1} of {Count} is not finite with 'solver_type' \"{config.SolverType}\", 'solver_order' "
                    + $"{config.SolverOrder} and a last noise level of {Sigmas[^1]}, expected \"bh2\" and 'lower_order_final' true, or "
                    + "'final_sigmas_type' \"sigma_min\"");
        }
    }

    private protected override void Allocate(int length)
    {
        _before = new float[length];
        _outputs = new History(Config.SolverOrder + 1, length);
    }

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        var latest = _outputs.Push();
        if (_onOriginal)
            Original(output, step, sample, latest);
        else
            Predicted.PredEpsilon(output, sample, At(step).Alpha, At(step).Sigma, latest);

        // From the previous sample, over the same interval again, now that the output at its end is known.
        if (_correctors[step] is { } corrector)
            Apply(corrector, _before, sample);
        sample.CopyTo(_before);
        Apply(_predictors[step], _before, sample);
    }

    private protected override bool IsFinite(int step) =>
        double.IsFinite(_predictors[step].Sum()) && double.IsFinite(_correctors[step]?.Sum() ?? 0);

    private static SigmaPlan PlanOf(SchedulerConfig config, int steps)
    {
        var levels = new NoiseLevels(config);
        var plan = SigmaPlan.OfSolver(config, steps, null, levels, config.NumTrainTimesteps, round: true);
        var spaced = config.UseKarrasSigmas || config.UseExponentialSigmas || config.UseBetaSigmas;
        return plan.EndingIn(config.FinalSigmasType == "zero" ? 0 : spaced ? plan.Sigmas[^1] : levels.Least);
    }

    private bool Corrects(int step) => step > 0 && !Config.DisableCorrector.Contains(Begin + step - 1);

    private int OrderAt(int step)
    {
        var most = Config.LowerOrderFinal ? Math.Min(Config.SolverOrder, Schedule.Length - (Begin + step)) : Config.SolverOrder;
        return Math.Min(most, step + 1);
    }

    private void Apply(double[] factors, ReadOnlySpan<float> from, Span<float> sample)
    {
        WeightedSum.Set(sample, factors[0], from, factors[1], _outputs[0]);
        for (var i = 2; i < factors.Length; i++)
            WeightedSum.Add(sample, factors[i], _outputs[i - 1]);
    }

    // Equations 3 (predictor) and 4 (corrector) of the paper with B(h) = h (bh1) or e^h - 1 (bh2), over the interval that starts at a step.
    private double[] Factors(int step, int order, bool corrects)
    {
        var (from, to) = (At(step), At(step + 1));
        var h = to.Lambda - from.Lambda;
        var hh = _onOriginal ? -h : h;
        var phi = ExpMinusOne(hh);
        var bh = Config.SolverType == "bh1" ? hh : phi;
        var scale = _onOriginal ? to.Alpha : to.Sigma;

        // The positions of the earlier outputs, in units of the interval; the corrector's new output is at 1.
        var positions = new double[order];
        for (var i = 1; i < order; i++)
            positions[i - 1] = (At(step - i).Lambda - from.Lambda) / h;
        positions[^1] = 1;
        var weights = Weights(positions, corrects, hh, phi, bh);

        // Outputs latest first: the corrector's new one, then the one at the interval's start, then the earlier ones.
        var start = corrects ? 2 : 1;
        var factors = new double[start + order];
        factors[0] = _onOriginal ? to.Sigma / from.Sigma : to.Alpha / from.Alpha;
        var sum = 0.0;
        for (var i = 0; i < weights.Length; i++)
        {
            var weight = weights[i] / positions[i];
            var isNew = corrects && i == order - 1;
            factors[isNew ? 1 : start + 1 + i] = -scale * bh * weight;
            sum += weight;
        }

        factors[start] = (-scale * phi) + (scale * bh * sum);
        return factors;
    }

    // The weights of the divided differences: exact for polynomials up to the degree that the number of positions allows.
    private static double[] Weights(double[] positions, bool corrects, double hh, double phi, double bh)
    {
        var count = corrects ? positions.Length : positions.Length - 1;
        if (count == 0)
            return [];
        if (count == 1)
            return [0.5];
        var system = new double[count, count + 1];
        var (phiK, factorial) = ((phi / hh) - 1, 1.0);
        for (var row = 0; row < count; row++)
        {
            for (var column = 0; column < count; column++)
                system[row, column] = Math.Pow(positions[column], row);
            system[row, count] = phiK * factorial / bh;
            factorial *= row + 2;
            phiK = (phiK / hh) - (1 / factorial);
        }

        return Solve(system, count);
    }

    // Gaussian elimination with the largest pivot; a singular system gives NaN.
    private static double[] Solve(double[,] system, int count)
    {
        for (var column = 0; column < count; column++)
        {
            var pivot = column;
            for (var row = column + 1; row < count; row++)
            {
                if (Math.Abs(system[row, column]) > Math.Abs(system[pivot, column]))
                    pivot = row;
            }

            for (var i = 0; i <= count; i++)
                (system[column, i], system[pivot, i]) = (system[pivot, i], system[column, i]);
            for (var row = 0; row < count; row++)
            {
                if (row == column)
                    continue;
                var factor = system[row, column] / system[column, column];
                for (var i = column; i <= count; i++)
                    system[row, i] -= factor * system[column, i];
            }
        }

        var solution = new double[count];
        for (var i = 0; i < count; i++)
            solution[i] = system[i, count] / system[i, i];
        return solution;
    }

    // e^x - 1, by its series where the subtraction would cancel.
    private static double ExpMinusOne(double x) => Math.Abs(x) < 1e-5 ? x + (x * x / 2) : Math.Exp(x) - 1;
}
