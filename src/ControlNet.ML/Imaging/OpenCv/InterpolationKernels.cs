namespace ControlNet.ML.Imaging;

/// <summary>The weights of OpenCV's wider interpolations, in float32 as there.</summary>
internal static class InterpolationKernels
{
    /// <summary>Four weights, a = -0.75; the last is 1 minus the others.</summary>
    /// <param name="fraction">Distance of the position from its second sample, 0 to 1.</param>
    /// <param name="weights">Receives the weights.</param>
    public static void Cubic(float fraction, Span<float> weights)
    {
        const float A = -0.75f;
        var (near, far) = (fraction + 1, 1 - fraction);
        weights[0] = (((((A * near) - (5 * A)) * near) + (8 * A)) * near) - (4 * A);
        weights[1] = ((((A + 2) * fraction) - (A + 3)) * fraction * fraction) + 1;
        weights[2] = ((((A + 2) * far) - (A + 3)) * far * far) + 1;
        weights[3] = 1f - weights[0] - weights[1] - weights[2];
    }

    /// <summary>Eight weights of a windowed sinc, normalised to the sum 1.</summary>
    /// <param name="fraction">Distance of the position from its fourth sample, 0 to 1.</param>
    /// <param name="weights">Receives the weights.</param>
    public static void Lanczos4(float fraction, Span<float> weights)
    {
        // sin of eight angles 45 degrees apart, from one sine and one cosine.
        var half = Math.Sqrt(0.5);
        ReadOnlySpan<double> ofSine = [1, -half, 0, half, -1, half, 0, -half];
        ReadOnlySpan<double> ofCosine = [0, -half, 1, -half, 0, half, -1, half];
        var (sine, cosine) = Math.SinCos(-(fraction + 3) * Math.PI * 0.25);
        var sum = 0f;
        for (var i = 0; i < weights.Length; i++)
        {
            var distance = fraction + 3 - i;
            var angle = -distance * Math.PI * 0.25;

            // On a sample the quotient is undefined; this value is so large that the others are negligible.
            weights[i] = Math.Abs(distance) < 1e-6f ? 1e30f : (float)(((ofSine[i] * sine) + (ofCosine[i] * cosine)) / (angle * angle));
            sum += weights[i];
        }

        sum = 1f / sum;
        foreach (ref var weight in weights)
            weight *= sum;
    }
}
