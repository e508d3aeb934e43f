namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// Base class of both forms of DPM-Solver and DPM-Solver++: the kind of output, its history, and the step, given its factors.
/// </summary>
public abstract class DpmSolver : LambdaScheduler
{
    /// <summary>Option values of other classes that diffusers' constructors replace.</summary>
    internal static readonly Dictionary<(string, string), string> OfOtherClasses = new()
    {
        [("algorithm_type", "deis")] = "dpmsolver++",
        [("solver_type", "logrho")] = "midpoint",
        [("solver_type", "bh1")] = "midpoint",
        [("solver_type", "bh2")] = "midpoint",
    };

    private History _outputs = new(0, 0);

    private protected DpmSolver(SchedulerConfig config, int steps, SigmaPlan plan, SchedulerOptions options)
        : base(config, steps, plan, options) => Update = new DpmUpdate(config);

    private protected DpmUpdate Update { get; }

    private protected override void Allocate(int length) => _outputs = new History(Config.SolverOrder, length);

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        var latest = _outputs.Push();
        if (Update.OnOriginal)
            Original(output, step, sample, latest);
        else
            Noise(output, step, sample, latest);

        var terms = TermsOf(step);
        WeightedSum.Set(sample, terms.Sample, Start(step, sample), terms.Latest, latest);
        if (terms.Before != 0)
            WeightedSum.Add(sample, terms.Before, _outputs[1]);
        if (terms.Earlier != 0)
            WeightedSum.Add(sample, terms.Earlier, _outputs[2]);
        if (Update.Stochastic)
            WeightedSum.Add(sample, terms.Noise, Draw(noise));
    }

    private protected override bool IsFinite(int step)
    {
        var (sample, latest, before, earlier, noise) = TermsOf(step);
        return double.IsFinite(sample + latest + before + earlier + noise);
    }

    /// <summary>The factors of a step.</summary>
    /// <param name="step">The step's index.</param>
    private protected abstract DpmUpdate.Terms TermsOf(int step);

    /// <summary>The sample that a step starts from.</summary>
    /// <param name="step">The step's index.</param>
    /// <param name="sample">The sample before the step.</param>
    private protected abstract ReadOnlySpan<float> Start(int step, ReadOnlySpan<float> sample);

    /// <summary>The schedule, ending at noise level zero or the smallest training noise level.</summary>
    private protected static SigmaPlan PlanOf(SchedulerConfig config, int steps, SchedulerOptions options, bool round)
    {
        var levels = new NoiseLevels(config);
        var last = config.NumTrainTimesteps - levels.CountBelow(config.LambdaMinClipped);
        var plan = SigmaPlan.OfSolver(config, steps, options.Timesteps, levels, last, round);
        return plan.EndingIn(config.FinalSigmasType == "zero" ? 0 : levels.Least);
    }
}
