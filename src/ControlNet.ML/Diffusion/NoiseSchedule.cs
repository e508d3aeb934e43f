using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Diffusion;

/// <summary>
/// The forward process q(x_t | x_0) = N(√ᾱ_t x_0, (1 - ᾱ_t) I) over the training timesteps, in diffusers' float32 values: training adds
/// noise by it, and every scheduler reverses it.
/// </summary>
public sealed class NoiseSchedule
{
    private readonly float[] _betas;
    private readonly float[] _alphasCumprod;

    /// <summary>Creates the schedule for given variances.</summary>
    /// <param name="betas">β_t for each training timestep, at least one, each from 0 to 1.</param>
    /// <param name="zeroTerminalSnr">
    /// Whether to rescale the betas so that the last timestep is pure noise (<c>rescale_betas_zero_snr</c>).
    /// </param>
    /// <exception cref="ArgumentException">There are no variances, or one is outside 0 to 1.</exception>
    public NoiseSchedule(ReadOnlySpan<float> betas, bool zeroTerminalSnr = false)
    {
        if (betas.IsEmpty)
            throw new ArgumentException("The noise schedule is empty, expected at least one timestep.", nameof(betas));
        foreach (var beta in betas)
        {
            if (!(beta is >= 0 and <= 1))
                throw new ArgumentException($"A beta is {beta}, expected 0 to 1.", nameof(betas));
        }

        _betas = zeroTerminalSnr ? Betas.WithZeroTerminalSnr(betas) : betas.ToArray();
        _alphasCumprod = Betas.AlphasCumprod(_betas);
    }

    /// <summary>The number of training timesteps T; timesteps are 0 to T - 1.</summary>
    public int Count => _betas.Length;

    /// <summary>β_t.</summary>
    public ReadOnlySpan<float> Beta => _betas;

    /// <summary>ᾱ_t, the product of 1 - β_s for s = 0 … t.</summary>
    public ReadOnlySpan<float> AlphasCumprod => _alphasCumprod;

    /// <summary>Creates the schedule of a scheduler's configuration.</summary>
    /// <param name="config">The configuration.</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="ControlNetException">The configuration contains an invalid value.</exception>
    public static NoiseSchedule Create(SchedulerConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Check();
        var betas = config.TrainedBetas is { } trained
            ? [.. trained.Select(beta => (float)beta)]
            : Betas.Create(config.BetaSchedule, config.NumTrainTimesteps, config.BetaStart, config.BetaEnd);
        return new NoiseSchedule(betas, config.RescaleBetasZeroSnr);
    }

    /// <summary>x_t = √ᾱ_t x_0 + √(1 - ᾱ_t) ε.</summary>
    /// <param name="original">The clean sample x_0.</param>
    /// <param name="noise">ε, of the same length.</param>
    /// <param name="timestep">t, 0 to T - 1.</param>
    /// <param name="noisy">Receives x_t, of the same length; may be <paramref name="original"/> itself.</param>
    public void AddNoise(ReadOnlySpan<float> original, ReadOnlySpan<float> noise, int timestep, Span<float> noisy)
    {
        var alphaBar = At(timestep);
        WeightedSum.SetSingle(noisy, MathF.Sqrt(alphaBar), original, MathF.Sqrt(1 - alphaBar), noise);
    }

    /// <summary>The training target of v-prediction, √ᾱ_t ε - √(1 - ᾱ_t) x_0.</summary>
    /// <param name="original">The clean sample x_0.</param>
    /// <param name="noise">ε, of the same length.</param>
    /// <param name="timestep">t, 0 to T - 1.</param>
    /// <param name="velocity">Receives the target, of the same length.</param>
    public void Velocity(ReadOnlySpan<float> original, ReadOnlySpan<float> noise, int timestep, Span<float> velocity)
    {
        var alphaBar = At(timestep);
        WeightedSum.SetSingle(velocity, -MathF.Sqrt(1 - alphaBar), original, MathF.Sqrt(alphaBar), noise);
    }

    /// <summary>The signal-to-noise ratio ᾱ_t / (1 - ᾱ_t).</summary>
    /// <param name="timestep">t, 0 to T - 1.</param>
    /// <returns>The ratio; infinite without noise.</returns>
    public double Snr(int timestep)
    {
        double alphaBar = At(timestep);
        return alphaBar / (1 - alphaBar);
    }

    /// <summary>
    /// The loss weight of a timestep under min-SNR weighting (Hang et al., 2023): min(SNR, γ) / SNR for a network that predicts ε, min(SNR,
    /// γ) / (SNR + 1) for v, min(SNR, γ) for x_0.
    /// </summary>
    /// <param name="timestep">t, 0 to T - 1.</param>
    /// <param name="prediction">What the network predicts.</param>
    /// <param name="gamma">γ, above 0; the paper uses 5.</param>
    /// <returns>The weight; NaN, as in Python, for ε at a timestep of pure noise, where ε cannot be learned.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Gamma is not positive.</exception>
    public double MinSnrWeight(int timestep, PredictionType prediction, double gamma = 5)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(gamma);
        var snr = Snr(timestep);
        var least = Math.Min(snr, gamma);
        return prediction switch
        {
            PredictionType.Epsilon => least / snr,
            PredictionType.Velocity => least / (snr + 1),
            _ => least,
        };
    }

    private float At(int timestep)
    {
        if ((uint)timestep >= (uint)Count)
            throw new ArgumentOutOfRangeException(nameof(timestep), timestep, $"A timestep is 0 to {Count - 1}.");
        return _alphasCumprod[timestep];
    }
}
