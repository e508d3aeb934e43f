namespace ControlNet.ML.Imaging;

/// <summary>
/// One axis: the source positions that each target position blends, and their weights in 2048ths,
/// as in OpenCV's interpolations of 8-bit images. Positions may be beyond the ends, where the end's sample is used.
/// </summary>
internal sealed class ResizeTaps
{
    private const int One = 2048;
    private readonly int[] _starts;
    private readonly short[] _weights;

    private ResizeTaps(int count, int target) => (Count, _starts, _weights) = (count, new int[target], new short[checked(count * target)]);

    /// <summary>Taps per target position: 2, 4 or 8.</summary>
    public int Count { get; }

    /// <summary>The first source position of each target position, at most half the taps before 0.</summary>
    public ReadOnlySpan<int> Starts => _starts;

    /// <summary>Two taps. OpenCV drops the fraction beyond the left and right end, but not above and below.</summary>
    public static ResizeTaps Linear(int source, int target, bool horizontal) =>
        Build(2, source, target, Centred, (fraction, position, weights) =>
    {
        if (horizontal && (position < 0 || position >= source - 1))
            fraction = 0;
        (weights[0], weights[1]) = (1 - fraction, fraction);
    });

    /// <summary>Two taps, for INTER_AREA when a side grows.</summary>
    public static ResizeTaps GrowingArea(int source, int target, bool horizontal) =>
        Build(2, source, target, Corner, (fraction, position, weights) =>
    {
        if (horizontal && position >= source - 1)
            fraction = 0;
        (weights[0], weights[1]) = (1 - fraction, fraction);
    });

    /// <summary>Four taps.</summary>
    public static ResizeTaps Cubic(int source, int target) =>
        Build(4, source, target, Centred, (fraction, _, weights) => InterpolationKernels.Cubic(fraction, weights));

    /// <summary>Eight taps.</summary>
    public static ResizeTaps Lanczos4(int source, int target) =>
        Build(8, source, target, Centred, (fraction, _, weights) => InterpolationKernels.Lanczos4(fraction, weights));

    /// <summary>The weights of one target position, in 2048ths.</summary>
    public ReadOnlySpan<short> Of(int target) => _weights.AsSpan(target * Count, Count);

    /// <summary>Pixel centres are at half a pixel. Returns the integer position and the fraction, in float32 as in OpenCV.</summary>
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

    private static ResizeTaps Build(
        int count, int source, int target, Func<int, double, (int Position, float Fraction)> locate, Weigh weigh)
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
