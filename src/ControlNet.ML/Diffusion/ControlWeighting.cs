using ControlNet.ML.Configuration;

namespace ControlNet.ML.Diffusion;

/// <summary>How the residuals of a control network are weighted, and which halves of classifier-free guidance receive them.</summary>
public enum ControlWeighting
{
    /// <summary>All residuals have the same weight, in both halves: the default.</summary>
    Uniform,

    /// <summary>
    /// Guess mode as in diffusers (<c>guess_mode=True</c>): conditional half only, from 0.1 for the first residual to 1 for the middle one,
    /// on a logarithmic scale.
    /// </summary>
    GuessLogspace,

    /// <summary>
    /// Guess mode as in the original code: conditional half only, 0.825^(n-i) for residual i of n + 1, so 0.825^12 = 0.0994 for the first
    /// of SD1's thirteen and 1 for the middle one. For SDXL's ten, n is 9 and the first is 0.825^9 = 0.177.
    /// </summary>
    GuessPower,

    /// <summary>
    /// The paper's classifier-free guidance resolution weighting (section 3.4): conditional half only, residual i multiplied by w_i = 64 /
    /// h_i with h_i its height: from 1 for 64 rows to 8 for 8. 64 is the latent size that Stable Diffusion 1 was trained with; for other
    /// models it is replaced by theirs (sample_size).
    /// </summary>
    Resolution,
}

/// <summary>Computes the weights of each <see cref="ControlWeighting"/>.</summary>
public static class ControlWeights
{
    /// <summary>Latent size in the paper, for 512 pixels.</summary>
    public const int PaperSide = 64;

    /// <summary>Whether only the conditional half of guidance receives the residuals.</summary>
    /// <returns>True for all weightings except uniform.</returns>
    public static bool ConditionalOnly(this ControlWeighting weighting) => weighting != ControlWeighting.Uniform;

    /// <summary>The weight of each residual, the middle one last, before the network's scale.</summary>
    /// <param name="weighting">The weighting.</param>
    /// <param name="config">The control network's configuration.</param>
    /// <param name="latentHeight">Height of the latents.</param>
    /// <param name="trainedSide">Latent size that the base model was trained with; 64 for Stable Diffusion 1.</param>
    /// <returns>One weight per residual. Networks with global pooling weight all residuals equally, as in diffusers.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The weighting is unknown.</exception>
    public static double[] Of(ControlWeighting weighting, ControlNetConfig config, int latentHeight, int trainedSide = PaperSide)
    {
        ArgumentNullException.ThrowIfNull(config);
        var last = config.DownResiduals;
        Func<int, double> weight = config.GlobalPoolConditions ? _ => 1 : weighting switch
        {
            ControlWeighting.Uniform => _ => 1,
            ControlWeighting.GuessLogspace => i => Math.Pow(10, -1 + ((double)i / last)),
            ControlWeighting.GuessPower => i => Math.Pow(0.825, last - i),
            ControlWeighting.Resolution => i => (double)trainedSide / Heights(config, latentHeight)[i],
            _ => throw new ArgumentOutOfRangeException(nameof(weighting), weighting, "Unknown weighting."),
        };
        return [.. Enumerable.Range(0, last + 1).Select(weight)];
    }

    /// <summary>Height of each residual: the first convolution, each level's layers and its downsampler, the middle.</summary>
    private static List<int> Heights(ControlNetConfig config, int height)
    {
        List<int> heights = [height];
        for (var level = 0; level < config.Levels; level++)
        {
            heights.AddRange(Enumerable.Repeat(height, config.LayersPerBlock));
            if (level < config.Levels - 1)
                heights.Add(height = (height + 1) / 2);
        }

        return [.. heights, height];
    }
}
