namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// DPM-Solver-2 as formulated by Karras et al. (2022) (k-diffusion's <c>sample_dpm_2</c>): an Euler step to a noise level in between, then
/// the whole step with the derivative there. Two network calls per step, one for the last.
/// </summary>
public abstract class MidpointScheduler : SigmaScheduler
{
    private readonly MidpointStep[] _midpoints;
    private float[] _start = [];
    private float[] _derivative = [];

    private protected MidpointScheduler(
        SchedulerConfig config, int steps, SigmaPlan plan, MidpointStep[] midpoints, SchedulerOptions options)
        : base(config, steps, plan, options, evaluations: 2) => _midpoints = midpoints;

    private protected override void Allocate(int length) => (_start, _derivative) = (new float[length], new float[length]);

    private protected override float InputDivisor(int index) =>
        index % 2 == 0 ? base.InputDivisor(index) : DivisorAt(_midpoints[index / 2].Middle);

    private protected override void Advance(ReadOnlySpan<float> output, int step, Span<float> sample, INoiseSource? noise)
    {
        var midpoint = _midpoints[(Begin + step) / 2];
        if (step % 2 == 0)
        {
            Derivative(output, sample, midpoint.Sigma, _derivative);
            sample.CopyTo(_start);
            WeightedSum.Add(sample, midpoint.Middle - midpoint.Sigma, _derivative);
            return;
        }

        Derivative(output, sample, midpoint.Middle, _derivative);
        WeightedSum.Set(sample, 1, _start, midpoint.Down - midpoint.Sigma, _derivative);
        if (midpoint.Up is { } up)
            WeightedSum.Add(sample, up, Draw(noise));
    }

    /// <summary>The plan with the noise levels in between, and their timesteps.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="steps">The number of steps.</param>
    /// <param name="create">Creates a step from its noise level and the next.</param>
    private protected static (SigmaPlan Plan, MidpointStep[] Midpoints) PlanWithMidpoints(
        SchedulerConfig config, int steps, Func<float, float, MidpointStep> create)
    {
        var levels = new NoiseLevels(config);
        var (timesteps, sigmas) = SigmaPlan.Of(config, steps, null, levels);
        if (config.UseKarrasSigmas)
            timesteps = [.. timesteps.Select(timestep => Math.Round(timestep, MidpointRounding.ToEven))];
        MidpointStep[] midpoints = [.. timesteps.Select((_, i) => create(sigmas[i], sigmas[i + 1]))];
        var all = new List<double> { timesteps[0] };
        for (var i = 1; i < timesteps.Length; i++)
            all.AddRange([levels.TimestepOf(midpoints[i - 1].Middle), timesteps[i]]);
        var plan = new SigmaPlan([.. all], [sigmas[0], .. sigmas.Skip(1).SelectMany(sigma => new[] { sigma, sigma }), sigmas[^1]]);
        return (plan, midpoints);
    }

    /// <summary>
    /// The geometric mean of two noise levels as torch's <c>lerp</c> of their logarithms gives it in float32; 0 if one of them is 0.
    /// </summary>
    private protected static float Midway(float from, float to)
    {
        if (from == 0 || to == 0)
            return 0;
        var (start, end) = ((float)Math.Log(from), (float)Math.Log(to));
        return (float)Math.Exp(end - ((end - start) / 2));
    }

    /// <summary>
    /// A step: its noise level, the midpoint, the level reached without noise, and the amount of noise that it adds, if any.
    /// </summary>
    internal readonly record struct MidpointStep(float Sigma, float Middle, float Down, float? Up);
}
