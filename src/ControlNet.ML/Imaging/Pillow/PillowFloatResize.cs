namespace ControlNet.ML.Imaging;

/// <summary>
/// Resizing of <see cref="ImageBuffer.Deep"/> values as in Pillow's Image.resize for images of mode <c>F</c>, with the weights of
/// <see cref="PillowResize"/>. Results are not rounded, but clipped to 0 to 65,535, since cubic and Lanczos filters overshoot.
/// </summary>
internal static class PillowFloatResize
{
    /// <summary>Resizes values, or a part of them.</summary>
    /// <param name="map">The values, 0 to 65,535.</param>
    /// <param name="width">Columns of the result, at least 1.</param>
    /// <param name="height">Rows of the result, at least 1.</param>
    /// <param name="filter">The filter.</param>
    /// <param name="box">The part to take; null for all of it. An empty part takes the values around it.</param>
    public static FloatMap Apply(FloatMap map, int width, int height, PillowFilter filter, PillowBox? box = null)
    {
        var whole = new PillowBox(0, 0, map.Width, map.Height);
        var part = box ?? whole;
        if (part == whole && (width, height) == (map.Width, map.Height))
            return map;
        return filter == PillowFilter.Nearest
            ? Nearest(map, width, height, part)
            : Vertical(Horizontal(map, width, filter, part), height, filter, part);
    }

    private static FloatMap Horizontal(FloatMap map, int width, PillowFilter filter, PillowBox part)
    {
        var coefficients = new PillowCoefficients(filter, map.Width, part.Left, part.Right, width);
        var result = new FloatMap(width, map.Height);
        for (var y = 0; y < map.Height; y++)
        {
            var line = map.Values.AsSpan(y * map.Width, map.Width);
            for (var x = 0; x < width; x++)
            {
                var weights = coefficients.At(x, out var first);
                double sum = 0, total = 0;
                for (var k = 0; k < weights.Length; k++)
                {
                    sum += (double)line[first + k] * weights[k];
                    total += weights[k];
                }

                // Weights in fixed point may not sum to exactly one; constant values must not change.
                result.Values[(y * width) + x] = Clip(sum / total);
            }
        }

        return result;
    }

    private static FloatMap Vertical(FloatMap map, int height, PillowFilter filter, PillowBox part)
    {
        var coefficients = new PillowCoefficients(filter, map.Height, part.Top, part.Bottom, height);
        var result = new FloatMap(map.Width, height);
        var sums = new double[map.Width];
        for (var y = 0; y < height; y++)
        {
            var weights = coefficients.At(y, out var first);
            double total = 0;
            Array.Clear(sums);
            for (var k = 0; k < weights.Length; k++)
            {
                var line = map.Values.AsSpan((first + k) * map.Width, map.Width);
                for (var x = 0; x < line.Length; x++)
                    sums[x] += (double)line[x] * weights[k];
                total += weights[k];
            }

            for (var x = 0; x < sums.Length; x++)
                result.Values[(y * map.Width) + x] = Clip(sums[x] / total);
        }

        return result;
    }

    private static FloatMap Nearest(FloatMap map, int width, int height, PillowBox part)
    {
        var columns = PillowResize.Positions(part.Left, part.Right, width, map.Width);
        var rows = PillowResize.Positions(part.Top, part.Bottom, height, map.Height);
        var result = new FloatMap(width, height);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
                result.Values[(y * width) + x] = map[columns[x], rows[y]];
        }

        return result;
    }

    private static float Clip(double value) => (float)Math.Clamp(value, 0, ushort.MaxValue);
}
