namespace ControlNet.ML.Imaging;

/// <summary>
/// One axis: for every target position, the first source position, the number of positions, and their weights in 22-bit fixed point.
/// </summary>
internal sealed class PillowCoefficients
{
    /// <summary>Fractional bits of a weight.</summary>
    public const int Places = 22;

    private readonly int[] _weights;
    private readonly (int First, int Count)[] _spans;
    private readonly int _stride;

    public PillowCoefficients(PillowFilter filter, int source, float from, float to, int target)
    {
        var (kernel, reach) = KernelOf(filter);
        var scale = ((double)to - from) / target;

        // Downsampling widens the filter, so that every source pixel counts; upsampling does not change it.
        var stretch = Math.Max(scale, 1);
        var support = reach * stretch;
        _stride = checked(((int)Math.Ceiling(support) * 2) + 1);
        _weights = new int[checked(target * _stride)];
        _spans = new (int, int)[target];
        var weights = new double[_stride];
        for (var t = 0; t < target; t++)
        {
            var centre = from + ((t + 0.5) * scale);
            var first = Math.Max((int)(centre - support + 0.5), 0);
            var count = Math.Min((int)(centre + support + 0.5), source) - first;
            double sum = 0;
            for (var k = 0; k < count; k++)
            {
                weights[k] = kernel((k + first - centre + 0.5) * (1 / stretch));
                sum += weights[k];
            }

            for (var k = 0; k < count; k++)
            {
                var fixedPoint = (sum == 0 ? weights[k] : weights[k] / sum) * (1 << Places);
                _weights[(t * _stride) + k] = (int)(fixedPoint < 0 ? fixedPoint - 0.5 : fixedPoint + 0.5);
            }

            _spans[t] = (first, count);
        }
    }

    /// <summary>The first source position of a target position, and its weights.</summary>
    public ReadOnlySpan<int> At(int target, out int first)
    {
        (first, var count) = _spans[target];
        return _weights.AsSpan(target * _stride, count);
    }

    private static (Func<double, double> Kernel, double Reach) KernelOf(PillowFilter filter) => filter switch
    {
        PillowFilter.Box => (x => x is > -0.5 and <= 0.5 ? 1 : 0, 0.5),
        PillowFilter.Bilinear => (x => Math.Max(1 - Math.Abs(x), 0), 1),
        PillowFilter.Hamming => (Hamming, 1),
        PillowFilter.Bicubic => (Bicubic, 2),
        PillowFilter.Lanczos => (x => x is >= -3 and < 3 ? Sinc(x) * Sinc(x / 3) : 0, 3),
        _ => throw new ArgumentOutOfRangeException(nameof(filter), filter, "Not a filter."),
    };

    private static double Hamming(double x)
    {
        x = Math.Abs(x) * Math.PI;
        return x == 0 ? 1 : x >= Math.PI ? 0 : Math.Sin(x) / x * (0.54 + (0.46 * Math.Cos(x)));
    }

    private static double Bicubic(double x)
    {
        const double A = -0.5;
        x = Math.Abs(x);
        return x switch
        {
            < 1 => ((((A + 2) * x) - (A + 3)) * x * x) + 1,
            < 2 => ((((x - 5) * x) + 8) * x - 4) * A,
            _ => 0,
        };
    }

    private static double Sinc(double x)
    {
        x *= Math.PI;
        return x == 0 ? 1 : Math.Sin(x) / x;
    }
}
