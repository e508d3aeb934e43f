namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// ln x in float32 as NumPy computes it on processors with fused multiply-add: within 4 units in the last place of the exact logarithm.
/// diffusers interpolates timesteps from such logarithms, and their differences magnify the last bit.
/// </summary>
internal static class NumpyLog
{
    private const float HalfRoot = 0.70710677f;
    private const float Ln2 = 0.6931472f;

    // ln(1 + y) = P(y) / Q(y) for 1 + y between the roots of 1/2 and 2; coefficients from the highest power to the lowest.
    private static readonly float[] Numerator = [0.025899792f, 0.38088378f, 1.4800006f, 2.1126776f, 1, 0];
    private static readonly float[] Denominator = [0.0058750953f, 0.15464764f, 0.9864943f, 2.453006f, 2.6126776f, 1];

    /// <summary>ln x.</summary>
    /// <param name="x">A normal number above 0.</param>
    public static float Of(float x)
    {
        var exponent = MathF.ILogB(x) + 1;
        var mantissa = MathF.ScaleB(x, -exponent);
        if (mantissa <= HalfRoot)
            (mantissa, exponent) = (2 * mantissa, exponent - 1);
        var y = mantissa - 1;
        return MathF.FusedMultiplyAdd(exponent, Ln2, Horner(Numerator, y) / Horner(Denominator, y));
    }

    private static float Horner(float[] coefficients, float y)
    {
        var sum = coefficients[0];
        foreach (var coefficient in coefficients.AsSpan(1))
            sum = MathF.FusedMultiplyAdd(sum, y, coefficient);
        return sum;
    }
}
