namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>A noise level as used by the log-SNR solvers, for samples α x_0 + σ ε with α² + σ² = 1.</summary>
internal readonly struct LogSnr
{
    /// <summary>Computes the level from σ / α.</summary>
    public LogSnr(double ratio)
    {
        Alpha = 1 / Math.Sqrt((ratio * ratio) + 1);
        Sigma = ratio * Alpha;
        Lambda = -Math.Log(ratio);
    }

    /// <summary>The factor of the clean sample.</summary>
    public double Alpha { get; }

    /// <summary>The factor of the noise.</summary>
    public double Sigma { get; }

    /// <summary>λ = ln α - ln σ, half the log-SNR; infinite if there is no noise.</summary>
    public double Lambda { get; }
}
