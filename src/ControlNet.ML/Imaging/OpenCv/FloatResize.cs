using System.Numerics;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Resizing of float maps (depths, distances, scores) as in OpenCV, without rounding to grey levels.
/// Samples are in the order rows, columns, channels.
/// </summary>
public static class FloatResize
{
    /// <summary>cv2.INTER_LINEAR.</summary>
    /// <param name="samples">sourceHeight x sourceWidth x channels values.</param>
    /// <param name="sourceWidth">Columns, at least 1.</param>
    /// <param name="sourceHeight">Rows, at least 1.</param>
    /// <param name="channels">Values per pixel, at least 1.</param>
    /// <param name="width">Columns of the result, at least 1.</param>
    /// <param name="height">Rows of the result, at least 1.</param>
    /// <returns>height x width x channels values.</returns>
    public static float[] Linear(ReadOnlySpan<float> samples, int sourceWidth, int sourceHeight, int channels, int width, int height)
    {
        Check(samples, sourceWidth, sourceHeight, channels, width, height);
        if ((width, height) == (sourceWidth, sourceHeight))
            return samples.ToArray();
        if (width * 2L == sourceWidth && height * 2L == sourceHeight)
            return AreaResize.Apply(samples, sourceWidth, sourceHeight, channels, width, height);

        // Two rows already passed horizontally wait for the next target row.
        var result = new float[checked(width * height * channels)];
        var columns = new (int Left, int Right, float Across)[width];
        var scaleX = Resize.Scale(sourceWidth, width);
        for (var x = 0; x < width; x++)
        {
            // OpenCV drops the fraction beyond the left and right end, but not above and below.
            var (column, across) = ResizeTaps.Centred(x, scaleX);
            if (column < 0 || column >= sourceWidth - 1)
                across = 0;
            columns[x] = (Math.Clamp(column, 0, sourceWidth - 1) * channels, Math.Clamp(column + 1, 0, sourceWidth - 1) * channels, across);
        }

        var scaleY = Resize.Scale(sourceHeight, height);
        var (from, to) = (sourceWidth * channels, width * channels);
        float[][] lines = [new float[to], new float[to]];
        Span<int> held = [-1, -1];
        for (var y = 0; y < height; y++)
        {
            var (row, down) = ResizeTaps.Centred(y, scaleY);
            var (upper, lower) = (Math.Clamp(row, 0, sourceHeight - 1), Math.Clamp(row + 1, 0, sourceHeight - 1));
            foreach (var needed in (ReadOnlySpan<int>)[upper, lower])
            {
                if (held[needed % 2] == needed)
                    continue;
                Pass(samples.Slice(needed * from, from), channels, columns, lines[needed % 2]);
                held[needed % 2] = needed;
            }

            Blend(lines[upper % 2], lines[lower % 2], down, result.AsSpan(y * to, to));
        }

        return result;
    }

    /// <summary>cv2.INTER_CUBIC, which equals torch's bicubic interpolation: a = -0.75, no antialiasing, the border repeated.</summary>
    /// <param name="samples">sourceHeight x sourceWidth values.</param>
    /// <param name="sourceWidth">Columns, at least 1.</param>
    /// <param name="sourceHeight">Rows, at least 1.</param>
    /// <param name="width">Columns of the result, at least 1.</param>
    /// <param name="height">Rows of the result, at least 1.</param>
    /// <returns>height x width values.</returns>
    public static float[] Cubic(ReadOnlySpan<float> samples, int sourceWidth, int sourceHeight, int width, int height)
    {
        Check(samples, sourceWidth, sourceHeight, channels: 1, width, height);
        var (across, down) = (CubicTaps(sourceWidth, width), CubicTaps(sourceHeight, height));
        var rows = new float[checked(sourceHeight * width)];
        for (var y = 0; y < sourceHeight; y++)
        {
            var line = samples.Slice(y * sourceWidth, sourceWidth);
            for (var x = 0; x < width; x++)
            {
                foreach (var (at, weight) in across[x])
                    rows[(y * width) + x] += line[at] * weight;
            }
        }

        var result = new float[checked(width * height)];
        for (var y = 0; y < height; y++)
        {
            foreach (var (at, weight) in down[y])
            {
                for (var x = 0; x < width; x++)
                    result[(y * width) + x] += rows[(at * width) + x] * weight;
            }
        }

        return result;
    }

    /// <summary>The four sources of each target and their weights.</summary>
    private static (int At, float Weight)[][] CubicTaps(int source, int target)
    {
        const double a = -0.75;
        var scale = (double)source / target;
        return [.. Enumerable.Range(0, target).Select(position =>
        {
            var centre = ((position + 0.5) * scale) - 0.5;
            var first = (int)Math.Floor(centre);
            return Enumerable.Range(first - 1, 4)
                .Select(at => (Math.Clamp(at, 0, source - 1), (float)Weight(Math.Abs(centre - at)))).ToArray();
        })];

        static double Weight(double distance) => distance <= 1
            ? ((((a + 2) * distance) - (a + 3)) * distance * distance) + 1
            : ((((((distance - 5) * distance) + 8) * distance) - 4) * a);
    }

    /// <summary>cv2.INTER_AREA for reducing: the mean of the covered area. Neither side may grow.</summary>
    /// <param name="samples">sourceHeight x sourceWidth x channels values.</param>
    /// <param name="sourceWidth">Columns, at least 1.</param>
    /// <param name="sourceHeight">Rows, at least 1.</param>
    /// <param name="channels">Values per pixel, at least 1.</param>
    /// <param name="width">Columns of the result, 1 to <paramref name="sourceWidth"/>.</param>
    /// <param name="height">Rows of the result, 1 to <paramref name="sourceHeight"/>.</param>
    /// <returns>height x width x channels values.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A side is larger than the source's.</exception>
    public static float[] Area(ReadOnlySpan<float> samples, int sourceWidth, int sourceHeight, int channels, int width, int height)
    {
        Check(samples, sourceWidth, sourceHeight, channels, width, height);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, sourceWidth);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(height, sourceHeight);
        return AreaResize.Apply(samples, sourceWidth, sourceHeight, channels, width, height);
    }

    private static void Pass(ReadOnlySpan<float> source, int channels, (int Left, int Right, float Across)[] columns, Span<float> line)
    {
        var i = 0;
        foreach (var (left, right, across) in columns)
        {
            for (var c = 0; c < channels; c++, i++)
                line[i] = (source[left + c] * (1 - across)) + (source[right + c] * across);
        }
    }

    private static void Blend(ReadOnlySpan<float> upper, ReadOnlySpan<float> lower, float down, Span<float> target)
    {
        var i = 0;
        for (; i <= target.Length - Vector<float>.Count; i += Vector<float>.Count)
            ((new Vector<float>(upper[i..]) * (1 - down)) + (new Vector<float>(lower[i..]) * down)).CopyTo(target[i..]);
        for (; i < target.Length; i++)
            target[i] = (upper[i] * (1 - down)) + (lower[i] * down);
    }

    private static void Check(ReadOnlySpan<float> samples, int sourceWidth, int sourceHeight, int channels, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sourceWidth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(sourceHeight, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        var count = checked(sourceWidth * sourceHeight * channels);
        if (samples.Length != count)
            throw new ArgumentException(
                $"{samples.Length} samples do not fill {sourceWidth}x{sourceHeight}x{channels}, expected {count}.", nameof(samples));
    }
}
