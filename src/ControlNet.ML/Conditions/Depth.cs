using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Converts depths from a network, a sensor or a renderer to the grey map that depth networks take: near is bright.</summary>
public static class Depth
{
    /// <summary>Scales depths to grey levels, in float32 and truncated, as in the public annotators.</summary>
    /// <param name="depths">The depths; all finite unless unknown ones are skipped.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>One channel, of the same size. Equal depths everywhere become black.</returns>
    /// <exception cref="ControlNetException">A depth is not finite, or an option is out of range.</exception>
    public static ImageBuffer Apply(FloatMap depths, DepthOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(depths);
        options = ConditionOption.Check(options ?? new(), "depth_map");
        if (options.SkipUnknown)
            return ApplyToKnown(depths, options);
        CheckFinite(depths);
        var result = options.Scaling switch
        {
            DepthScaling.MinMax => MinMax(depths),
            DepthScaling.Maximum => Maximum(depths),
            DepthScaling.Percentile => Percentile(depths),
            DepthScaling.LeReS => LeReS(depths, options.Near, options.Far),
            _ =>
                throw new ControlNetException(
                    $"The depth's scaling is {(int)options.Scaling}, expected one of {string.Join(", ", Enum.GetNames<DepthScaling>())}."),
        };
        return options.Invert ? Color.Negative(result) : result;
    }

    /// <summary>Scales an image that already is a depth map to the full range.</summary>
    /// <param name="image">
    /// The map; its <see cref="ImageBuffer.Deep"/> values are used if it has them. Colors are converted to grey.
    /// </param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>The condition, one channel, near bright.</returns>
    /// <exception cref="ControlNetException">An option is out of range.</exception>
    public static ImageBuffer OfMap(ImageBuffer image, DepthOptions? options = null) => Apply(FloatMap.OfDeep(image), options);

    /// <summary>Scales only the known depths, gathered as one row, and scatters them back.</summary>
    private static ImageBuffer ApplyToKnown(FloatMap depths, DepthOptions options)
    {
        static bool IsKnown(float depth) => float.IsFinite(depth) && depth != 0;
        var result = new ImageBuffer(depths.Width, depths.Height, 1);
        float[] known = [.. depths.Values.Where(IsKnown)];
        if (known.Length == 0)
            return result;
        var levels = Apply(new FloatMap(known.Length, 1, known), options with { SkipUnknown = false }).Samples;
        for (int i = 0, next = 0; i < result.Samples.Length; i++)
        {
            if (IsKnown(depths.Values[i]))
                result.Samples[i] = levels[next++];
        }

        return result;
    }

    /// <summary>Throws if a value is not finite, naming its position.</summary>
    internal static void CheckFinite(FloatMap depths)
    {
        var at = Array.FindIndex(depths.Values, value => !float.IsFinite(value));
        if (at >= 0)
        {
            throw new ControlNetException(
                $"The depth at column {at % depths.Width}, row {at / depths.Width} is "
                    + $"{depths.Values[at].ToString(System.Globalization.CultureInfo.InvariantCulture)}, expected a finite number: "
                    + $"{nameof(DepthOptions.SkipUnknown)} skips such pixels.");
        }
    }

    private static ImageBuffer MinMax(FloatMap depths)
    {
        var least = depths.Values.Min();
        var most = depths.Values.Max() - least;
        return Map(depths, value => most > 0 ? (value - least) / most * 255 : 0);
    }

    private static ImageBuffer Maximum(FloatMap depths)
    {
        var most = depths.Values.Max();
        return Map(depths, value => most > 0 ? value * 255 / most : 0);
    }

    private static ImageBuffer Percentile(FloatMap depths)
    {
        float[] sorted = [.. depths.Values.Order()];
        var (low, high) = (PercentileOf(sorted, 2), PercentileOf(sorted, 85));
        return Map(depths, value => high > low ? (1 - ((value - low) / (high - low))) * 255 : 0);
    }

    private static ImageBuffer LeReS(FloatMap depths, double nearShare, double farShare)
    {
        // cv2.threshold truncates the thresholds of 8-bit images.
        var (near, far) = ((int)(nearShare / 100 * 255), (int)(farShare / 100 * 255));
        var least = depths.Values.Min();
        var range = depths.Values.Max() - least;
        return Map(depths, value =>
        {
            var wide = range > 0 ? (ushort)(65535 * ((value - least) / range)) : (ushort)0;
            var level = (int)MathF.Round(wide * (float)(255.0 / 65535));
            level = 255 - (level > near ? level : 0);
            return level > far ? level : 0;
        });
    }

    /// <summary>NumPy's linear percentile of float32 values, which stays in float32.</summary>
    private static float PercentileOf(float[] sorted, int percent)
    {
        var at = percent / 100.0 * (sorted.Length - 1);
        var below = (int)Math.Floor(at);
        var (a, b) = (sorted[below], sorted[Math.Min(below + 1, sorted.Length - 1)]);
        var fraction = (float)(at - below);

        // Interpolated from the nearer end, so that the result stays within the interval.
        return fraction >= 0.5f ? b - ((b - a) * (1 - fraction)) : a + ((b - a) * fraction);
    }

    private static ImageBuffer Map(FloatMap depths, Func<float, float> level)
    {
        var result = new ImageBuffer(depths.Width, depths.Height, 1);
        for (var i = 0; i < result.Samples.Length; i++)
            result.Samples[i] = (byte)Math.Clamp(level(depths.Values[i]), 0, 255);
        return result;
    }
}
