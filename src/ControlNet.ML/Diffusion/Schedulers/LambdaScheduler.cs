namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// Solvers in the log-SNR λ = ln α - ln σ of samples x = α x_0 + σ ε at unit variance (Lu et al., 2022): DPM-Solver, UniPC, DEIS.
/// </summary>
public abstract class LambdaScheduler : Scheduler
{
    private readonly float[] _sigmas;
    private readonly LogSnr[] _levels;

    private protected LambdaScheduler(SchedulerConfig config, int steps, SigmaPlan plan, SchedulerOptions options)
        : base(config, steps, plan.Timesteps, options)
    {
        _sigmas = plan.Sigmas;
        _levels = [.. plan.Sigmas.Select(sigma => new LogSnr(sigma))];
        Predicted = new Prediction(config, options.Rows);
    }

    /// <summary>σ / α at every timestep of the whole schedule and after the last.</summary>
    public ReadOnlySpan<float> Sigmas => _sigmas;

    /// <summary>Whether two adjacent timesteps have the same noise level, which no solver can step over.</summary>
    private protected bool HasEqualLevels => Enumerable.Range(1, Schedule.Length - 1).Any(i => _sigmas[i] == _sigmas[i - 1]);

    private protected Prediction Predicted { get; }

    /// <summary>α, σ and λ at a step's timestep; at <see cref="Scheduler.Count"/>, those after the last step.</summary>
    private protected LogSnr At(int step) => _levels[Begin + step];

    private protected override (float Signal, float Deviation) NoiseAt(int index)
    {
        var sigma = _sigmas[index];
        var alpha = 1 / MathF.Sqrt((sigma * sigma) + 1);
        return (alpha, sigma * alpha);
    }

    /// <summary>The predicted clean sample, clipped or thresholded as configured.</summary>
    private protected void Original(ReadOnlySpan<float> output, int step, ReadOnlySpan<float> sample, Span<float> original)
    {
        Predicted.PredOriginalSample(output, sample, At(step).Alpha, At(step).Sigma, original);
        Predicted.Threshold(original);
    }

    /// <summary>The predicted noise, consistent with the bounded clean sample.</summary>
    private protected void Noise(ReadOnlySpan<float> output, int step, ReadOnlySpan<float> sample, Span<float> noise)
    {
        var (alpha, sigma) = (At(step).Alpha, At(step).Sigma);
        if (Predicted.Thresholds)
        {
            Original(output, step, sample, noise);
            Prediction.EpsilonOf(noise, sample, alpha, sigma, noise);
        }
        else
        {
            Predicted.PredEpsilon(output, sample, alpha, sigma, noise);
        }
    }
}
