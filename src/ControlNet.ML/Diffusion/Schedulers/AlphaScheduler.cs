namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>Schedulers that use ᾱ at whole timesteps and keep samples at unit variance: DDIM, DDPM, PNDM, LCM, TCD.</summary>
public abstract class AlphaScheduler : Scheduler
{
    private readonly float[] _alphasCumprod;

    private protected AlphaScheduler(SchedulerConfig config, int steps, double[] timesteps, SchedulerOptions options)
        : base(config, steps, timesteps, options)
    {
        _alphasCumprod = NoiseSchedule.Create(config).AlphasCumprod.ToArray();
        FinalAlphaBar = config.SetAlphaToOne ? 1 : _alphasCumprod[0];
        Predicted = new Prediction(config, options.Rows);
    }

    /// <inheritdoc/>
    internal override string? Obstacle()
    {
        var beyond = Array.FindIndex(Schedule, timestep => timestep >= _alphasCumprod.Length);
        return beyond < 0 ? base.Obstacle() : $"timestep {Schedule[beyond]} is outside the {_alphasCumprod.Length} training timesteps";
    }

    /// <summary>ᾱ after the last step.</summary>
    private protected double FinalAlphaBar { get; }

    private protected Prediction Predicted { get; }

    private protected override (float Signal, float Deviation) NoiseAt(int index)
    {
        var alphaBar = (float)AlphaBar((int)Schedule[index]);
        return (MathF.Sqrt(alphaBar), MathF.Sqrt(1 - alphaBar));
    }

    /// <summary>ᾱ at a timestep. The timestep -1 in which trailing spacing can end is the last one, as in Python indexing.</summary>
    private protected double AlphaBar(int timestep) => _alphasCumprod[timestep < 0 ? timestep + _alphasCumprod.Length : timestep];

    /// <summary>ᾱ at the timestep that a step leads to; the final one for timesteps below 0.</summary>
    private protected double AlphaBarOrFinal(int timestep) => timestep >= 0 ? _alphasCumprod[timestep] : FinalAlphaBar;
}
