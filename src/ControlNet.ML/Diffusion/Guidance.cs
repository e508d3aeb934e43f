using System.Numerics.Tensors;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Diffusion;

/// <summary>Classifier-free guidance and related methods, on the predictions of one image.</summary>
public static class Guidance
{
    /// <summary>
    /// The number of network rows per image: 2 if guidance adds an unconditional pass, else 1. At scale 1 and below the unconditional pass
    /// is skipped; distilled models take the scale as a condition instead.
    /// </summary>
    /// <param name="unet">The UNet.</param>
    /// <param name="scale">The guidance scale.</param>
    internal static int Rows(UNetConfig unet, double scale) => scale > 1 && unet.TimeCondProjDim is null ? 2 : 1;

    /// <summary>ε = ε_u + s (ε_c − ε_u).</summary>
    /// <param name="unconditional">ε_u.</param>
    /// <param name="conditional">ε_c.</param>
    /// <param name="scale">s; 1 gives ε_c.</param>
    /// <param name="result">Receives ε; may be one of the inputs.</param>
    public static void Combine(ReadOnlySpan<float> unconditional, ReadOnlySpan<float> conditional, float scale, Span<float> result)
    {
        for (var i = 0; i < result.Length; i++)
            result[i] = unconditional[i] + (scale * (conditional[i] - unconditional[i]));
    }

    /// <summary>
    /// Moves the standard deviation of a guided prediction towards that of the conditional one (rescale_noise_cfg; Lin et al., 2023,
    /// section 3.4), which prevents over-exposed images.
    /// </summary>
    /// <param name="conditional">ε_c.</param>
    /// <param name="rescale">φ, from 0 (off) to 1.</param>
    /// <param name="guided">The guided prediction, changed in place.</param>
    public static void Rescale(ReadOnlySpan<float> conditional, float rescale, Span<float> guided)
    {
        var ratio = Deviation(conditional) / Deviation(guided);
        var factor = (rescale * ratio) + (1 - rescale);
        TensorPrimitives.Multiply(guided, (float)factor, guided);
    }

    /// <summary>
    /// The embedding of a guidance scale, which distilled (LCM) models take instead of a second pass (get_guidance_scale_embedding).
    /// </summary>
    /// <param name="scale">The guidance scale; scale − 1 is embedded.</param>
    /// <param name="width">Length of the result.</param>
    /// <returns>The embedding: sines, then cosines.</returns>
    public static float[] Embed(double scale, int width)
    {
        var half = width / 2;
        var result = new float[width];
        var step = (float)(Math.Log(10000) / (half - 1));
        var value = (float)((scale - 1) * 1000);
        for (var i = 0; i < half; i++)
        {
            var angle = value * MathF.Exp(i * -step);
            result[i] = MathF.Sin(angle);
            result[half + i] = MathF.Cos(angle);
        }

        return result;
    }

    private static double Deviation(ReadOnlySpan<float> values)
    {
        double mean = 0, sum = 0;
        foreach (var value in values)
            mean += value;
        mean /= values.Length;
        foreach (var value in values)
            sum += (value - mean) * (value - mean);
        return Math.Sqrt(sum / (values.Length - 1));
    }
}
