namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// DPM-Solver-2 as Karras et al. (2022) put it (k-diffusion's <c>sample_dpm_2</c>): an Euler step to a noise level between, then the
/// whole step by the derivative there. Two network calls a step, one for the last.
/// </summary>
public abstract class MidpointScheduler : SigmaScheduler
{
    private readonly Stage[] _stages;
    private float[] _start = [];
    private float[] _derivative = [];

    private protected MidpointScheduler(SchedulerConfig config, int steps, SigmaPlan plan, Stage[] stages, SchedulerOptions options)
        : base(config, steps, plan, options, evaluations: 2) => _stages = stages;

    private protected override void Allocate(int length) => (_start, _derivative) = (new float[length], new float[length]);

    private protected override float InputDivisor(int index) =>
        index % 2 == 0 ? base.InputDivisor(index) : DivisorAt(_stages[index / 2].Middle);

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        var stage = _stages[(Begin + step) / 2];
        if (step % 2 == 0)
        {
            Derivative(output, sample, stage.Sigma, _derivative);
            sample.CopyTo(_start);
            Blend.Add(sample, stage.Middle - stage.Sigma, _derivative);
            return;
        }

        Derivative(output, sample, stage.Middle, _derivative);
        Blend.Set(sample, 1, _start, stage.Down - stage.Sigma, _derivative);
        if (stage.Up is { } up)
            Blend.Add(sample, up, Draw(noise));
    }

    /// <summary>The plan with the noise levels between, and the timesteps there.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="steps">How many steps.</param>
    /// <param name="stage">A step's stage from its noise level and the next.</param>
    private protected static (SigmaPlan Plan, Stage[] Stages) Staged(SchedulerConfig config, int steps, Func<float, float, Stage> stage)
    {
        var levels = new NoiseLevels(config);
        var (timesteps, sigmas) = SigmaPlan.Of(config, steps, null, levels);
        if (config.UseKarrasSigmas)
            timesteps = [.. timesteps.Select(timestep => Math.Round(timestep, MidpointRounding.ToEven))];
        Stage[] stages = [.. timesteps.Select((_, i) => stage(sigmas[i], sigmas[i + 1]))];
        var all = new List<double> { timesteps[0] };
        for (var i = 1; i < timesteps.Length; i++)
            all.AddRange([levels.TimestepOf(stages[i - 1].Middle), timesteps[i]]);
        var plan = new SigmaPlan([.. all], [sigmas[0], .. sigmas.Skip(1).SelectMany(sigma => new[] { sigma, sigma }), sigmas[^1]]);
        return (plan, stages);
    }

    /// <summary>The geometric mean of two noise levels as torch's <c>lerp</c> of their logarithms gives it in float32; 0 if one of them is 0.</summary>
    private protected static float Midway(float from, float to)
    {
        if (from == 0 || to == 0)
            return 0;
        var (start, end) = ((float)Math.Log(from), (float)Math.Log(to));
        return (float)Math.Exp(end - ((end - start) / 2));
    }

    /// <summary>Where a step starts, where it pauses, where it goes without noise, and how much noise it adds, if any.</summary>
    internal readonly record struct Stage(float Sigma, float Middle, float Down, float? Up);
}
