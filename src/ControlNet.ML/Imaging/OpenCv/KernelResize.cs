using System.Numerics;

namespace ControlNet.ML.Imaging;

/// <summary>
/// cv2.INTER_CUBIC and INTER_LANCZOS4 on float maps, which may overshoot the range of their input. torch's bicubic interpolation
/// (align_corners false) equals the cubic one. Samples are in the order rows, columns, channels.
/// </summary>
public static class KernelResize
{
    // Floats in one of OpenCV's vectors.
    private const int Lanes = 4;

    private delegate void Weigh(float fraction, Span<float> weights);

    /// <summary>cv2.INTER_CUBIC.</summary>
    /// <typeparam name="T">float or double; weights are float32 for both, as in OpenCV.</typeparam>
    /// <param name="samples">sourceHeight x sourceWidth x channels values.</param>
    /// <param name="sourceWidth">Columns, at least 1.</param>
    /// <param name="sourceHeight">Rows, at least 1.</param>
    /// <param name="channels">Values per pixel, at least 1.</param>
    /// <param name="width">Columns of the result, at least 1.</param>
    /// <param name="height">Rows of the result, at least 1.</param>
    /// <param name="window">The part of the result to compute; null for all of it.</param>
    /// <returns>The window's values.</returns>
    public static T[] Cubic<T>(
        ReadOnlySpan<T> samples, int sourceWidth, int sourceHeight, int channels, int width, int height, Window? window = null)
        where T : struct, IFloatingPoint<T> =>
            Run(samples, sourceWidth, sourceHeight, channels, width, height, window, 4, InterpolationKernels.Cubic);

    /// <summary>cv2.INTER_LANCZOS4.</summary>
    /// <typeparam name="T">float or double; weights are float32 for both, as in OpenCV.</typeparam>
    /// <param name="samples">sourceHeight x sourceWidth x channels values.</param>
    /// <param name="sourceWidth">Columns, at least 1.</param>
    /// <param name="sourceHeight">Rows, at least 1.</param>
    /// <param name="channels">Values per pixel, at least 1.</param>
    /// <param name="width">Columns of the result, at least 1.</param>
    /// <param name="height">Rows of the result, at least 1.</param>
    /// <param name="window">The part of the result to compute; null for all of it.</param>
    /// <returns>The window's values.</returns>
    public static T[] Lanczos4<T>(
        ReadOnlySpan<T> samples, int sourceWidth, int sourceHeight, int channels, int width, int height, Window? window = null)
        where T : struct, IFloatingPoint<T> =>
            Run(samples, sourceWidth, sourceHeight, channels, width, height, window, 8, InterpolationKernels.Lanczos4);

    private static T[] Run<T>(
        ReadOnlySpan<T> samples, int sourceWidth, int sourceHeight, int channels, int width, int height, Window? window, int count,
        Weigh weigh)
        where T : struct, IFloatingPoint<T>
    {
        if (samples.Length != checked(sourceWidth * sourceHeight * channels))
            throw new ArgumentException($"{samples.Length} samples do not fill {sourceWidth}x{sourceHeight}x{channels}.", nameof(samples));
        var part = window ?? new Window(0, 0, width, height);
        if (part.X < 0 || part.Y < 0 || part.Width < 1 || part.Height < 1
            || (long)part.X + part.Width > width || (long)part.Y + part.Height > height)
            throw new ArgumentOutOfRangeException(nameof(window), window, $"The window is not within {width}x{height}.");
        var result = new T[checked(part.Width * part.Height * channels)];
        if ((width, height) == (sourceWidth, sourceHeight))
        {
            for (var y = 0; y < part.Height; y++)
                samples.Slice((((y + part.Y) * width) + part.X) * channels, part.Width * channels)
                    .CopyTo(result.AsSpan(y * part.Width * channels));
            return result;
        }

        var (columns, across) = Taps<T>(sourceWidth, width, part.X, part.Width, count, weigh);
        var (rows, down) = Taps<T>(sourceHeight, height, part.Y, part.Height, count, weigh);
        var stride = part.Width * channels;
        var vectors = typeof(T) == typeof(float) ? Math.Clamp(((width * channels) / Lanes * Lanes) - (part.X * channels), 0, stride) : 0;
        Dictionary<int, T[]> passed = [];
        var lines = new T[count][];
        for (var y = 0; y < part.Height; y++)
        {
            var needed = rows.AsSpan(y * count, count);
            var target = result.AsSpan(y * stride, stride);
            for (var k = 0; k < count; k++)
            {
                if (!passed.TryGetValue(needed[k], out var line))
                    passed[needed[k]] = line = Across(
                        samples.Slice(needed[k] * sourceWidth * channels, sourceWidth * channels),
                        channels,
                        columns,
                        across,
                        count,
                        new T[stride]);
                lines[k] = line;
            }

            // OpenCV's vector code sums floats from the last row to the first; the rest of a row, and doubles, go from the first to the
            // last. This changes the last bit of constant values, and after truncation a level.
            for (var k = count - 1; k >= 0; k--)
                AddScaled(lines[k].AsSpan(0, vectors), down[(y * count) + k], target);
            for (var k = 0; k < count; k++)
                AddScaled(lines[k].AsSpan(vectors), down[(y * count) + k], target[vectors..]);

            var first = needed[0];
            foreach (var old in passed.Keys.Where(row => row < first).ToArray())
                passed.Remove(old);
        }

        return result;
    }

    private static void AddScaled<T>(ReadOnlySpan<T> line, T weight, Span<T> target)
        where T : struct, IFloatingPoint<T>
    {
        for (var i = 0; i < line.Length; i++)
            target[i] += line[i] * weight;
    }

    private static T[] Across<T>(ReadOnlySpan<T> source, int channels, int[] columns, T[] weights, int count, T[] line)
        where T : struct, IFloatingPoint<T>
    {
        for (int i = 0, tap = 0; i < line.Length; i += channels, tap += count)
        {
            for (var c = 0; c < channels; c++)
            {
                var sum = T.Zero;
                for (var k = 0; k < count; k++)
                    sum += source[(columns[tap + k] * channels) + c] * weights[tap + k];
                line[i + c] = sum;
            }
        }

        return line;
    }

    private static (int[] Sources, T[] Weights) Taps<T>(int source, int target, int start, int length, int count, Weigh weigh)
        where T : struct, IFloatingPoint<T>
    {
        var (sources, weights) = (new int[length * count], new T[length * count]);
        var scale = Resize.Scale(source, target);
        Span<float> own = stackalloc float[count];
        for (var i = 0; i < length; i++)
        {
            var at = (float)(((start + i + 0.5) * scale) - 0.5);
            var position = (int)MathF.Floor(at);
            weigh(at - position, own);
            for (var k = 0; k < count; k++)
            {
                sources[(i * count) + k] = Math.Clamp(position + k - (count / 2) + 1, 0, source - 1);
                weights[(i * count) + k] = T.CreateChecked(own[k]);
            }
        }

        return (sources, weights);
    }
}

/// <summary>A part of an image.</summary>
/// <param name="X">Its left column.</param>
/// <param name="Y">Its top row.</param>
/// <param name="Width">Its columns, at least 1.</param>
/// <param name="Height">Its rows, at least 1.</param>
public readonly record struct Window(int X, int Y, int Width, int Height)
{
    /// <summary>The top left part of a size.</summary>
    /// <param name="width">Its columns, at least 1.</param>
    /// <param name="height">Its rows, at least 1.</param>
    /// <returns>The window.</returns>
    public static Window TopLeft(int width, int height) => new(0, 0, width, height);
}
