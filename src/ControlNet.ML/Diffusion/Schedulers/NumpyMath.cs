namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// Functions of float32 arrays as numpy's vector code rounds them. A last bit of ln σ moves a fractional timestep by a
/// last bit too, and the network sees that timestep.
/// </summary>
internal static class NumpyMath
{
    // A rational minimax approximation P / Q of ln(1 + x) for √½ ≤ 1 + x < √2; constants as documented in numpy's sources.
    private static readonly float[] P = [2.589979117907922693523e-02f, 3.808837741388407920751e-01f, 1.480000633576506585156f, 2.112677543073053063722f, 9.999999999999998702752e-01f, 0];
    private static readonly float[] Q = [5.875095403124574342950e-03f, 1.546476374983906719538e-01f, 9.864942958519418960339e-01f, 2.453006071784736363091f, 2.612677543073109236779f, 1];

    /// <summary>ln x, of a finite normal x above 0.</summary>
    public static float Log(float x)
    {
        var exponent = MathF.ILogB(x) + 1;
        var mantissa = MathF.ScaleB(x, -exponent);
        if (mantissa <= 0.70710678f)
        {
            mantissa += mantissa;
            exponent--;
        }

        mantissa -= 1;
        return MathF.FusedMultiplyAdd(exponent, 0.693147182f, Polynomial(P, mantissa) / Polynomial(Q, mantissa));
    }

    private static float Polynomial(float[] coefficients, float x)
    {
        var value = coefficients[0];
        foreach (var coefficient in coefficients.AsSpan(1))
            value = MathF.FusedMultiplyAdd(value, x, coefficient);
        return value;
    }
}
