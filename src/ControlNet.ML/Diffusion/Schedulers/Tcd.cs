namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// Strategic stochastic sampling of trajectory consistency distillation (Zheng et al., 2024, algorithm 4): γ (here η) sets how far below
/// the next timestep each step goes before noise is added back.
/// </summary>
public sealed class Tcd : AlphaScheduler
{
    internal static readonly SchedulerClass Class = new(
        "TCDScheduler",
        Distillation.Defaults,
        (config, steps, options) => new Tcd(config, steps, options))
    {
        Options =
        [
            nameof(SchedulerOptions.Timesteps), nameof(SchedulerOptions.OriginalInferenceSteps), nameof(SchedulerOptions.OriginalStrength),
            nameof(SchedulerOptions.Eta),
        ],
    };

    private readonly int _steps;
    private readonly double _eta;
    private float[] _original = [];
    private float[] _direction = [];

    private Tcd(SchedulerConfig config, int steps, SchedulerOptions options)
        : base(
            config,
            steps,
            Distillation.Timesteps(config, steps, options, everyTimestep: options.OriginalInferenceSteps is not null),
            options)
    {
        _steps = steps;
        _eta = options.Eta ?? 0.3;
    }

    private protected override void Allocate(int length) => (_original, _direction) = (new float[length], new float[length]);

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        var next = step + 1 < Count ? (int)Timesteps[step + 1] : 0;
        var below = (int)MathF.Floor((float)(1 - _eta) * next);
        var (alphaBar, alphaBarNext, alphaBarBelow) = (AlphaBar((int)Timesteps[step]), AlphaBar(next), AlphaBar(below));
        var (alpha, sigma) = (Math.Sqrt(alphaBar), Math.Sqrt(1 - alphaBar));
        Predicted.PredOriginalSample(output, sample, alpha, sigma, _original);
        Predicted.PredEpsilon(output, sample, alpha, sigma, _direction);
        WeightedSum.Set(sample, Math.Sqrt(alphaBarBelow), _original, Math.Sqrt(1 - alphaBarBelow), _direction);
        if (_eta == 0 || Begin + step == _steps - 1)
            return;
        var kept = alphaBarNext / alphaBarBelow;
        WeightedSum.Set(sample, Math.Sqrt(kept), sample, Math.Sqrt(1 - kept), Draw(noise));
    }
}
