using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>A candidate position of a keypoint.</summary>
/// <param name="Part">Index of one of OpenPose's 18 keypoints.</param>
/// <param name="X">Column.</param>
/// <param name="Y">Row.</param>
/// <param name="Score">The value of the heat map there, before smoothing.</param>
internal readonly record struct PosePeak(int Part, int X, int Y, float Score);

/// <summary>Finds the maxima of a heat map.</summary>
internal static class PosePeaks
{
    private const double Threshold = 0.1;
    private const double Sigma = 3;
    private const int Radius = 12;
    private static readonly double[] Weights = Gaussian();

    /// <summary>
    /// Adds the peaks of a keypoint in row order: where the smoothed heat map is above the threshold and not below its four neighbours.
    /// </summary>
    public static void Find(FloatMap heat, int part, List<PosePeak> peaks)
    {
        var (width, height) = (heat.Width, heat.Height);
        var smooth = Smooth(heat);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var value = smooth[(y * width) + x];
                if (value > Threshold && value >= At(x - 1, y) && value >= At(x + 1, y) && value >= At(x, y - 1) && value >= At(x, y + 1))
                    peaks.Add(new PosePeak(part, x, y, heat[x, y]));
            }
        }

        double At(int x, int y) => (uint)x < (uint)width && (uint)y < (uint)height ? smooth[(y * width) + x] : 0;
    }

    /// <summary>scipy's gaussian_filter: in double, reflected borders with the edge repeated; columns first, then rows.</summary>
    private static double[] Smooth(FloatMap heat)
    {
        var (width, height) = (heat.Width, heat.Height);
        var down = new double[heat.Values.Length];
        for (var y = 0; y < height; y++)
        {
            var target = down.AsSpan(y * width, width);
            for (var k = -Radius; k <= Radius; k++)
            {
                var source = heat.Values.AsSpan(Reflect(y + k, height) * width, width);
                for (var x = 0; x < width; x++)
                    target[x] += source[x] * Weights[k + Radius];
            }
        }

        var across = new double[down.Length];
        for (var y = 0; y < height; y++)
        {
            var source = down.AsSpan(y * width, width);
            for (var x = 0; x < width; x++)
            {
                var sum = 0.0;
                for (var k = -Radius; k <= Radius; k++)
                    sum += source[Reflect(x + k, width)] * Weights[k + Radius];
                across[(y * width) + x] = sum;
            }
        }

        return across;
    }

    private static int Reflect(int at, int size)
    {
        var period = 2 * size;
        at = ((at % period) + period) % period;
        return at < size ? at : period - 1 - at;
    }

    private static double[] Gaussian()
    {
        double[] weights = [.. Enumerable.Range(-Radius, (2 * Radius) + 1).Select(x => Math.Exp(-0.5 / (Sigma * Sigma) * x * x))];
        var sum = weights.Sum();
        return [.. weights.Select(weight => weight / sum)];
    }
}
