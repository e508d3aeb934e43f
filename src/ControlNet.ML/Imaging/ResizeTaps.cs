namespace ControlNet.ML.Imaging;

/// <summary>
/// Along one axis: which neighbouring source positions every target position mixes, and their weights in 2048ths,
/// as OpenCV's interpolations of 8-bit pictures have them. Positions may lie beyond the ends, where the end's sample counts.
/// </summary>
internal sealed class ResizeTaps
{
    private const int One = 2048;
    private readonly int[] _starts;
    private readonly short[] _weights;

    private ResizeTaps(int count, int target) => (Count, _starts, _weights) = (count, new int[target], new short[checked(count * target)]);

    /// <summary>Taps a target position: 2, 4 or 8.</summary>
    public int Count { get; }

    /// <summary>The first source position of each target position, at most half the taps before 0.</summary>
    public ReadOnlySpan<int> Starts => _starts;

    /// <summary>Two taps. OpenCV drops the fraction beyond the left and right end, but not above and below.</summary>
    public static ResizeTaps Linear(int source, int target, bool horizontal) => Build(2, source, target, Centred, (fraction, position, weights) =>
    {
        if (horizontal && (position < 0 || position >= source - 1))
            fraction = 0;
        (weights[0], weights[1]) = (1 - fraction, fraction);
    });

    /// <summary>Two taps, for INTER_AREA when a side grows.</summary>
    public static ResizeTaps GrowingArea(int source, int target, bool horizontal) => Build(2, source, target, Corner, (fraction, position, weights) =>
    {
        if (horizontal && position >= source - 1)
            fraction = 0;
        (weights[0], weights[1]) = (1 - fraction, fraction);
    });

    /// <summary>Four taps, a = -0.75.</summary>
    public static ResizeTaps Cubic(int source, int target) => Build(4, source, target, Centred, (fraction, _, weights) =>
    {
        const float A = -0.75f;
        var (near, far) = (fraction + 1, 1 - fraction);
        weights[0] = (((((A * near) - (5 * A)) * near) + (8 * A)) * near) - (4 * A);
        weights[1] = ((((A + 2) * fraction) - (A + 3)) * fraction * fraction) + 1;
        weights[2] = ((((A + 2) * far) - (A + 3)) * far * far) + 1;
        weights[3] = 1f - weights[0] - weights[1] - weights[2];
    });

    /// <summary>Eight taps of a windowed sine.</summary>
    public static ResizeTaps Lanczos4(int source, int target) => Build(8, source, target, Centred, (fraction, _, weights) =>
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

            // On a sample the quotient has no value; the number is so large that the others vanish beside it.
            weights[i] = Math.Abs(distance) < 1e-6f ? 1e30f : (float)(((ofSine[i] * sine) + (ofCosine[i] * cosine)) / (angle * angle));
            sum += weights[i];
        }

        sum = 1f / sum;
        foreach (ref var weight in weights)
            weight *= sum;
    });

    /// <summary>The weights of one target position, in 2048ths.</summary>
    public ReadOnlySpan<short> Of(int target) => _weights.AsSpan(target * Count, Count);

    /// <summary>Pixel centres lie at half a pixel. Returns the whole position and the fraction, in float32 as OpenCV.</summary>
    internal static (int Position, float Fraction) Centred(int target, double scale)
    {
        var at = (float)(((target + 0.5) * scale) - 0.5);
        var position = (int)MathF.Floor(at);
        return (position, at - position);
    }

    private static (int Position, float Fraction) Corner(int target, double scale)
    {
        var position = (int)Math.Floor(target * scale);
        var fraction = (float)(target + 1 - ((position + 1) * (1 / scale)));
        return (position, fraction <= 0 ? 0 : fraction - MathF.Floor(fraction));
    }

    private static ResizeTaps Build(int count, int source, int target, Func<int, double, (int Position, float Fraction)> locate, Weigh weigh)
    {
        var taps = new ResizeTaps(count, target);
        var scale = Resize.Scale(source, target);
        Span<float> weights = stackalloc float[count];
        for (var t = 0; t < target; t++)
        {
            var (position, fraction) = locate(t, scale);
            weigh(fraction, position, weights);
            taps._starts[t] = Math.Clamp(position + 1, 0, source) - (count / 2);
            for (var k = 0; k < count; k++)
                taps._weights[(t * count) + k] = (short)MathF.Round(weights[k] * One);
        }

        return taps;
    }

    private delegate void Weigh(float fraction, int position, Span<float> weights);
}
