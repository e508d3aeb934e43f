namespace ControlNet.ML.Imaging;

/// <summary>
/// Resizing of float maps (depths, distances, scores) as OpenCV does it, without rounding to grey levels.
/// Samples are rows first, then columns, then channels.
/// </summary>
public static class FloatResize
{
    /// <summary>cv2.INTER_LINEAR.</summary>
    /// <param name="samples">sourceHeight x sourceWidth x channels values.</param>
    /// <param name="sourceWidth">Columns, at least 1.</param>
    /// <param name="sourceHeight">Rows, at least 1.</param>
    /// <param name="channels">Values a pixel, at least 1.</param>
    /// <param name="width">Columns of the result, at least 1.</param>
    /// <param name="height">Rows of the result, at least 1.</param>
    /// <returns>height x width x channels values.</returns>
    public static float[] Linear(ReadOnlySpan<float> samples, int sourceWidth, int sourceHeight, int channels, int width, int height)
    {
        Check(samples, sourceWidth, sourceHeight, channels, width, height);
        if ((width, height) == (sourceWidth, sourceHeight))
            return samples.ToArray();
        if (width * 2L == sourceWidth && height * 2L == sourceHeight)
            return AreaResize.Weighted(samples, sourceWidth, sourceHeight, channels, width, height);

        var result = new float[checked(width * height * channels)];
        var (scaleX, scaleY) = (Resize.Scale(sourceWidth, width), Resize.Scale(sourceHeight, height));
        var stride = sourceWidth * channels;
        for (int y = 0, i = 0; y < height; y++)
        {
            var (row, down) = ResizeTaps.Centred(y, scaleY);
            var upper = samples.Slice(Math.Clamp(row, 0, sourceHeight - 1) * stride, stride);
            var lower = samples.Slice(Math.Clamp(row + 1, 0, sourceHeight - 1) * stride, stride);
            for (var x = 0; x < width; x++)
            {
                var (column, across) = ResizeTaps.Centred(x, scaleX);
                var left = Math.Clamp(column, 0, sourceWidth - 1) * channels;
                var right = Math.Clamp(column + 1, 0, sourceWidth - 1) * channels;
                for (var c = 0; c < channels; c++, i++)
                {
                    var above = (upper[left + c] * (1 - across)) + (upper[right + c] * across);
                    var below = (lower[left + c] * (1 - across)) + (lower[right + c] * across);
                    result[i] = (above * (1 - down)) + (below * down);
                }
            }
        }

        return result;
    }

    /// <summary>cv2.INTER_AREA for reducing: the mean of the covered area. Neither side may grow.</summary>
    /// <param name="samples">sourceHeight x sourceWidth x channels values.</param>
    /// <param name="sourceWidth">Columns, at least 1.</param>
    /// <param name="sourceHeight">Rows, at least 1.</param>
    /// <param name="channels">Values a pixel, at least 1.</param>
    /// <param name="width">Columns of the result, 1 to <paramref name="sourceWidth"/>.</param>
    /// <param name="height">Rows of the result, 1 to <paramref name="sourceHeight"/>.</param>
    /// <returns>height x width x channels values.</returns>
    public static float[] Area(ReadOnlySpan<float> samples, int sourceWidth, int sourceHeight, int channels, int width, int height)
    {
        Check(samples, sourceWidth, sourceHeight, channels, width, height);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, sourceWidth);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(height, sourceHeight);
        return AreaResize.Weighted(samples, sourceWidth, sourceHeight, channels, width, height);
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
            throw new ArgumentException($"{samples.Length} samples do not fill {sourceWidth}x{sourceHeight}x{channels}, expected {count}.", nameof(samples));
    }
}
