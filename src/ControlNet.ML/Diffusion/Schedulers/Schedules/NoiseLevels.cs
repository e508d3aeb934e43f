namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// The noise levels σ = √((1 - ᾱ) / ᾱ) of a schedule, and the ways of placing steps on them: at timesteps, or spaced by σ itself.
/// </summary>
internal sealed class NoiseLevels
{
    // ᾱ of the last timestep after the zero-SNR rescaling, where σ would be infinite: about the smallest step of float16.
    private const float LeastAlphaBar = 1f / (1 << 24);

    private readonly float[] _sigmas;
    private readonly float[] _logSigmas;

    public NoiseLevels(SchedulerConfig config)
    {
        var alphasCumprod = NoiseSchedule.Create(config).AlphasCumprod.ToArray();
        if (config.RescaleBetasZeroSnr)
            alphasCumprod[^1] = LeastAlphaBar;
        _sigmas = [.. alphasCumprod.Select(alphaBar => MathF.Sqrt((1 - alphaBar) / alphaBar))];
        _logSigmas = [.. _sigmas.Select(NumpyLog.Of)];
        var unusable = Array.FindIndex(_sigmas, sigma => !(sigma > 0 && float.IsFinite(sigma)));
        if (unusable >= 0)
            throw config.Wrong(
                $"the noise level of timestep {unusable} is {_sigmas[unusable]}, expected a finite one above 0: check the betas");
    }

    /// <summary>σ of the first timestep, the smallest.</summary>
    public float Least => _sigmas[0];

    /// <summary>σ of the last timestep, the largest.</summary>
    public float Largest => _sigmas[^1];

    /// <summary>The number of noisiest timesteps whose log-SNR is below a bound (<c>lambda_min_clipped</c>).</summary>
    public int CountBelow(double lambda) => _logSigmas.Count(logSigma => -logSigma < lambda);

    /// <summary>σ at timesteps, whole or fractional, by linear interpolation, clamped to the ends.</summary>
    public double[] At(double[] timesteps)
    {
        var sigmas = new double[timesteps.Length];
        for (var i = 0; i < sigmas.Length; i++)
        {
            var timestep = Math.Clamp(timesteps[i], 0, _sigmas.Length - 1);
            var below = (int)timestep;
            sigmas[i] = below == timestep
                ? _sigmas[below]
                : (((double)_sigmas[below + 1] - _sigmas[below]) * (timestep - below)) + _sigmas[below];
        }

        return sigmas;
    }

    /// <summary>
    /// σ spaced as configured (Karras, exponential, beta), from the largest to the smallest; null if not configured.
    /// </summary>
    /// <param name="config">The configuration.</param>
    /// <param name="largest">The first σ, unless the configuration has a sigma_max.</param>
    /// <param name="least">The last σ, unless the configuration has a sigma_min.</param>
    /// <param name="steps">The number of values.</param>
    public static double[]? Spaced(SchedulerConfig config, double largest, double least, int steps)
    {
        largest = config.SigmaMax ?? largest;
        least = config.SigmaMin ?? least;
        return config switch
        {
            { UseKarrasSigmas: true } => Karras(largest, least, steps),
            { UseExponentialSigmas: true } => [.. TimestepSpacing.Linspace(Math.Log(largest), Math.Log(least), steps).Select(Math.Exp)],
            { UseBetaSigmas: true } =>
                [.. TimestepSpacing.Linspace(0, 1, steps).Select(p => least + (BetaQuantile.Of(1 - p, 0.6, 0.6) * (largest - least)))],
            _ => null,
        };
    }

    /// <summary>σ evenly spaced in its logarithm over the whole schedule, in the float32 of torch.linspace (Euler's log_linear).</summary>
    public double[] LogLinear(int count) =>
        [.. Betas.Linspace(_logSigmas[^1], _logSigmas[0], count).Select(logSigma => (double)(float)Math.Exp(logSigma))];

    /// <summary>σ evenly spaced in log-SNR over the whole schedule (<c>use_lu_lambdas</c>).</summary>
    public double[] Lu(int count) =>
        [.. TimestepSpacing.Linspace(0, 1, count)
            .Select(ramp => Math.Exp(_logSigmas[^1] + (ramp * ((double)_logSigmas[0] - _logSigmas[^1]))))];

    /// <summary>The timestep, whole or fractional, of a σ: by linear interpolation of ln σ, within the schedule.</summary>
    /// <param name="sigma">σ; 0 is replaced by a very small value.</param>
    public double TimestepOf(double sigma)
    {
        if (_logSigmas.Length == 1)
            return 0;
        var logSigma = Math.Log(Math.Max(sigma, 1e-10));
        var low = LastBelow(logSigma);
        var weight = Math.Clamp((_logSigmas[low] - logSigma) / (_logSigmas[low] - _logSigmas[low + 1]), 0, 1);
        return ((1 - weight) * low) + (weight * (low + 1));
    }

    /// <summary>The timestep of a σ in torch's float32.</summary>
    /// <param name="sigma">σ; 0 is replaced by a very small value.</param>
    public float TimestepOf(float sigma)
    {
        var (low, weight) = Place(sigma);
        return ((1 - weight) * low) + (weight * (low + 1));
    }

    /// <summary>
    /// The timestep of a σ in NumPy's float32: its weight is float32, the timestep a double, rounded to float32 at the end.
    /// </summary>
    /// <param name="sigma">σ; 0 is replaced by a very small value.</param>
    public double SingleTimestepOf(float sigma)
    {
        var (low, weight) = Place(sigma);
        return (float)(((double)(1 - weight) * low) + ((double)weight * (low + 1)));
    }

    private (int Low, float Weight) Place(float sigma)
    {
        if (_logSigmas.Length == 1)
            return (0, 0);
        var logSigma = NumpyLog.Of(Math.Max(sigma, 1e-10f));
        var low = LastBelow(logSigma);
        return (low, Math.Clamp((_logSigmas[low] - logSigma) / (_logSigmas[low] - _logSigmas[low + 1]), 0, 1));
    }

    /// <summary>The last timestep, at most the second to last, that is not noisier; ln σ ascends with the timestep.</summary>
    private int LastBelow(double logSigma)
    {
        var (low, high) = (0, _logSigmas.Length - 1);
        while (high - low > 1)
        {
            var middle = (low + high) / 2;
            if (_logSigmas[middle] <= logSigma)
                low = middle;
            else
                high = middle;
        }

        return low;
    }

    private static double[] Karras(double largest, double least, int steps)
    {
        const double Rho = 7;
        var (from, to) = (Math.Pow(largest, 1 / Rho), Math.Pow(least, 1 / Rho));
        return [.. TimestepSpacing.Linspace(0, 1, steps).Select(ramp => Math.Pow(from + (ramp * (to - from)), Rho))];
    }
}
