using ControlNet.ML.Configuration;

namespace ControlNet.ML.Diffusion;

/// <summary>
/// The autoencoder's posterior of an image: a Gaussian with a diagonal covariance (diffusers' DiagonalGaussianDistribution).
/// </summary>
internal static class DiagonalGaussian
{
    /// <summary>Samples latents: mean + e^(logVariance / 2) · noise, then shifted and scaled for the scheduler.</summary>
    /// <param name="config">Shift and scaling factor.</param>
    /// <param name="mean">The posterior's mean.</param>
    /// <param name="logVariance">The logarithm of its variance.</param>
    /// <param name="latents">In: noise of unit variance, or zeros for the mean. Out: the latents.</param>
    public static void Sample(AutoencoderConfig config, ReadOnlySpan<float> mean, ReadOnlySpan<float> logVariance, Span<float> latents)
    {
        for (var i = 0; i < latents.Length; i++)
            latents[i] = Scale(config, mean[i] + (MathF.Exp(0.5f * logVariance[i]) * latents[i]));
    }

    /// <summary>The posterior's mode, which is its mean, shifted and scaled for the scheduler.</summary>
    /// <param name="config">Shift and scaling factor.</param>
    /// <param name="latents">In: the mean. Out: the latents.</param>
    public static void Mode(AutoencoderConfig config, Span<float> latents)
    {
        for (var i = 0; i < latents.Length; i++)
            latents[i] = Scale(config, latents[i]);
    }

    private static float Scale(AutoencoderConfig config, float value) =>
        (float)((value - (config.ShiftFactor ?? 0)) * config.ScalingFactor);
}
