namespace ControlNet.ML.Diffusion;

/// <summary>The variances β_t that the forward process adds at each training timestep, computed in torch's float32 arithmetic.</summary>
internal static class Betas
{
    // The maximum β, which keeps the product of 1 - β from vanishing (Nichol and Dhariwal, 2021).
    private const double MaxBeta = 0.999;

    public static float[] Create(string schedule, int count, double start, double end) => schedule switch
    {
        "linear" => Linspace((float)start, (float)end, count),
        "scaled_linear" => Squared(Linspace((float)Math.Sqrt(start), (float)Math.Sqrt(end), count)),
        "squaredcos_cap_v2" => FromAlphaBar(count, t => Math.Pow(Math.Cos((t + 0.008) / 1.008 * Math.PI / 2), 2)),
        "exp" => FromAlphaBar(count, t => Math.Exp(t * -12)),
        "sigmoid" => Sigmoid(count, start, end),
        _ => throw new ArgumentException($"Unknown beta schedule '{schedule}'.", nameof(schedule)),
    };

    /// <summary>torch.linspace in float32: each value is computed from the nearer end, with one rounding.</summary>
    public static float[] Linspace(float start, float end, int count)
    {
        var values = new float[count];
        var step = count > 1 ? (end - start) / (count - 1) : 0;
        for (var i = 0; i < count; i++)
        {
            values[i] = i < count / 2 || count == 1
                ? MathF.FusedMultiplyAdd(step, i, start)
                : MathF.FusedMultiplyAdd(-step, count - 1 - i, end);
        }

        return values;
    }

    /// <summary>
    /// Scales and shifts √ᾱ so that the last becomes 0 and the first stays: the last training timestep is then pure noise (Lin et al.,
    /// 2023, algorithm 1).
    /// </summary>
    public static float[] WithZeroTerminalSnr(ReadOnlySpan<float> betas)
    {
        var roots = AlphasCumprod(betas);
        for (var i = 0; i < roots.Length; i++)
            roots[i] = MathF.Sqrt(roots[i]);
        var (first, last) = (roots[0], roots[^1]);
        var scale = first / (first - last);
        var rescaled = new float[roots.Length];
        var before = 1f;
        for (var i = 0; i < roots.Length; i++)
        {
            var root = (roots[i] - last) * scale;
            var alphaBar = root * root;
            rescaled[i] = 1 - (alphaBar / before);
            before = alphaBar;
        }

        return rescaled;
    }

    /// <summary>ᾱ_t, the product of 1 - β_s for s ≤ t: accumulated in double, each entry rounded to float.</summary>
    public static float[] AlphasCumprod(ReadOnlySpan<float> betas)
    {
        var products = new float[betas.Length];
        var product = 1.0;
        for (var i = 0; i < betas.Length; i++)
        {
            product *= 1 - betas[i];
            products[i] = (float)product;
        }

        return products;
    }

    private static float[] Squared(float[] values)
    {
        foreach (ref var value in values.AsSpan())
            value *= value;
        return values;
    }

    private static float[] Sigmoid(int count, double start, double end)
    {
        var values = Linspace(-6, 6, count);
        foreach (ref var value in values.AsSpan())
            value = ((float)(1 / (1 + Math.Exp(-value))) * (float)(end - start)) + (float)start;
        return values;
    }

    private static float[] FromAlphaBar(int count, Func<double, double> alphaBar)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++)
            values[i] = (float)Math.Min(1 - (alphaBar((i + 1.0) / count) / alphaBar((double)i / count)), MaxBeta);
        return values;
    }
}
