namespace ControlNet.ML.Diffusion;

/// <summary>
/// Weighted sums of samples with float32 elements: weights in double and one rounding, or float32 throughout where results must match torch
/// bit for bit.
/// </summary>
internal static class WeightedSum
{
    /// <summary>target = a x + b y; target may be x or y.</summary>
    public static void Set(Span<float> target, double a, ReadOnlySpan<float> x, double b, ReadOnlySpan<float> y)
    {
        if (x.Length != target.Length || y.Length != target.Length)
            throw new ArgumentException($"Samples of {x.Length}, {y.Length} and {target.Length} values, expected equal lengths.");
        for (var i = 0; i < target.Length; i++)
            target[i] = (float)((a * x[i]) + (b * y[i]));
    }

    /// <summary>target = a x.</summary>
    public static void Set(Span<float> target, double a, ReadOnlySpan<float> x)
    {
        if (x.Length != target.Length)
            throw new ArgumentException($"Samples of {x.Length} and {target.Length} values, expected equal lengths.");
        for (var i = 0; i < target.Length; i++)
            target[i] = (float)(a * x[i]);
    }

    /// <summary>
    /// target = a x + b y as torch computes it in float32: both products are rounded, then the sum. target may be x or y.
    /// </summary>
    public static void SetSingle(Span<float> target, float a, ReadOnlySpan<float> x, float b, ReadOnlySpan<float> y)
    {
        if (x.Length != target.Length || y.Length != target.Length)
            throw new ArgumentException($"Samples of {x.Length}, {y.Length} and {target.Length} values, expected equal lengths.");
        for (var i = 0; i < target.Length; i++)
            target[i] = (a * x[i]) + (b * y[i]);
    }

    /// <summary>target = x / divisor, in float32.</summary>
    public static void Divide(Span<float> target, ReadOnlySpan<float> x, float divisor)
    {
        if (x.Length != target.Length)
            throw new ArgumentException($"Samples of {x.Length} and {target.Length} values, expected equal lengths.");
        for (var i = 0; i < target.Length; i++)
            target[i] = x[i] / divisor;
    }

    /// <summary>target += a x.</summary>
    public static void Add(Span<float> target, double a, ReadOnlySpan<float> x)
    {
        if (x.Length != target.Length)
            throw new ArgumentException($"Samples of {x.Length} and {target.Length} values, expected equal lengths.");
        for (var i = 0; i < target.Length; i++)
            target[i] = (float)(target[i] + (a * x[i]));
    }
}
