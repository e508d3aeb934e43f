using ControlNet.ML.Configuration;

namespace ControlNet.ML;

/// <summary>Latents from what the autoencoder says of an image.</summary>
internal static class PosteriorDraw
{
    /// <summary>mean + e^(logVariance / 2) · noise, shifted and scaled as the sampler has latents.</summary>
    /// <param name="config">Shift and scale.</param>
    /// <param name="mean">The posterior's mean.</param>
    /// <param name="logVariance">The logarithm of its variance.</param>
    /// <param name="latents">In: noise of unit variance, or zeros for the mean. Out: the latents.</param>
    public static void Apply(AutoencoderConfig config, ReadOnlySpan<float> mean, ReadOnlySpan<float> logVariance, Span<float> latents)
    {
        for (var i = 0; i < latents.Length; i++)
        {
            var value = mean[i] + (MathF.Exp(0.5f * logVariance[i]) * latents[i]);
            latents[i] = (float)((value - (config.ShiftFactor ?? 0)) * config.ScalingFactor);
        }
    }
}
