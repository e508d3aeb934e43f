namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>Quantiles of the beta distribution, scipy.stats.beta.ppf, by which <c>use_beta_sigmas</c> spaces noise levels.</summary>
internal static class BetaQuantile
{
    /// <summary>The x at which the regularised incomplete beta function I_x(a, b) is p.</summary>
    /// <param name="p">0 to 1.</param>
    /// <param name="a">Above 0.</param>
    /// <param name="b">Above 0.</param>
    public static double Of(double p, double a, double b)
    {
        if (p <= 0)
            return 0;
        if (p >= 1)
            return 1;

        // Bisection halves the interval to its last bit: it needs no derivative, which has poles at both ends for a, b < 1.
        var (low, high) = (0.0, 1.0);
        while (true)
        {
            var middle = (low + high) / 2;
            if (middle <= low || middle >= high)
                return middle;
            if (Regularised(middle, a, b) < p)
                low = middle;
            else
                high = middle;
        }
    }

    private static double Regularised(double x, double a, double b) =>
        x < (a + 1) / (a + b + 2) ? Lower(x, a, b) : 1 - Lower(1 - x, b, a);

    // The continued fraction of I_x(a, b) (NIST DLMF 8.17.22) by Lentz's method; fast where x < (a + 1) / (a + b + 2).
    private static double Lower(double x, double a, double b)
    {
        const double Tiny = 1e-300;
        var front = Math.Exp((a * Math.Log(x)) + (b * Math.Log(1 - x)) + LogGamma(a + b) - LogGamma(a) - LogGamma(b)) / a;
        double fraction = 1, c = 1, d = 0;
        for (var i = 0; i <= 300; i++)
        {
            var m = i / 2;
            var numerator = i == 0 ? 1
                : i % 2 == 0 ? m * (b - m) * x / ((a + i - 1) * (a + i))
                : -(a + m) * (a + b + m) * x / ((a + i - 1) * (a + i));
            d = 1 / NotZero(1 + (numerator * d));
            c = NotZero(1 + (numerator / c));
            fraction *= c * d;
            if (i > 0 && Math.Abs(1 - (c * d)) < 1e-16)
                break;
        }

        return front * (fraction - 1);

        static double NotZero(double value) => Math.Abs(value) < Tiny ? Tiny : value;
    }

    // Stirling's series (NIST DLMF 5.11.1), after shifting the argument to where it has full precision.
    private static double LogGamma(double x)
    {
        var shift = 0.0;
        for (; x < 15; x++)
            shift += Math.Log(x);
        var inverse = 1 / (x * x);
        var series = (((((-inverse / 1680) + (1.0 / 1260)) * inverse) - (1.0 / 360)) * inverse) + (1.0 / 12);
        return ((x - 0.5) * Math.Log(x)) - x + (0.5 * Math.Log(2 * Math.PI)) + (series / x) - shift;
    }
}
