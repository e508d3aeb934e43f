namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// Schedulers that integrate dx/dσ = (x - x_0) / σ (Karras et al., 2022) over samples x = x_0 + σ ε, scaled to unit variance for the
/// network: Euler, Euler ancestral, Heun, LMS, KDPM2.
/// </summary>
public abstract class SigmaScheduler : Scheduler
{
    private readonly float[] _sigmas;
    private readonly PredictionType _prediction;
    private readonly bool _clips;
    private readonly double _initNoiseSigma;

    private protected SigmaScheduler(SchedulerConfig config, int steps, SigmaPlan plan, SchedulerOptions options, int evaluations = 1)
        : base(config, steps, plan.Timesteps, options, evaluations)
    {
        _sigmas = plan.Sigmas;
        (_prediction, _clips) = (config.PredictionType, config.ClipSample);
        Predicted = new Prediction(config, options.Rows);
        var largest = _sigmas.Max();
        _initNoiseSigma = config.TimestepSpacing is "linspace" or "trailing" ? largest : DivisorAt(largest);
    }

    /// <inheritdoc/>
    public override double InitNoiseSigma => _initNoiseSigma;

    /// <summary>σ at every timestep of the whole schedule and after the last.</summary>
    public ReadOnlySpan<float> Sigmas => _sigmas;

    private Prediction Predicted { get; }

    private protected override float InputDivisor(int index) => DivisorAt(Sigmas[index]);

    private protected override (float Signal, float Deviation) NoiseAt(int index) => (1, Sigmas[index]);

    /// <summary>target = the derivative (x - x_0) / σ at a sample, from the network's prediction there.</summary>
    private protected void Derivative(ReadOnlySpan<float> output, ReadOnlySpan<float> sample, double sigma, Span<float> target) =>
        Derivative(output, sample, sigma, sigma, target);

    /// <summary>The derivative after noise has raised σ above the value that the network received.</summary>
    private protected void Derivative(ReadOnlySpan<float> output, ReadOnlySpan<float> sample, double seen, double sigma, Span<float> target)
    {
        switch (_prediction)
        {
            case PredictionType.Epsilon:
                output.CopyTo(target);
                break;
            case PredictionType.Velocity:
                var norm = 1 + Square(seen);
                WeightedSum.Set(target, (1 - (1 / norm)) / sigma, sample, seen / Math.Sqrt(norm) / sigma, output);
                break;
            default:
                WeightedSum.Set(target, 1 / sigma, sample, -1 / sigma, output);
                break;
        }

        if (!_clips)
            return;
        WeightedSum.Set(target, 1, sample, -sigma, target);
        Predicted.Bound(target);
        WeightedSum.Set(target, 1 / sigma, sample, -1 / sigma, target);
    }

    /// <summary>√(σ² + 1), the standard deviation of samples at a noise level, in float32.</summary>
    private protected static float DivisorAt(float sigma) => MathF.Sqrt((sigma * sigma) + 1);

    private static double Square(double value) => value * value;
}
