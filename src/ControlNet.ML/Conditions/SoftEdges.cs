using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Postprocessing of a network's soft edges (HED, PiDiNet): thin lines, scribbles, and the "safe" map of three levels.</summary>
public static class SoftEdges
{
    // Steps from a pixel to its two neighbours on a line: across, down, and both diagonals.
    private static readonly (int X, int Y)[] Lines = [(1, 0), (0, 1), (1, 1), (1, -1)];

    /// <summary>
    /// Non-maximum suppression: a float blur, then 255 where a pixel is not below its neighbours along any of four lines and is above a
    /// threshold.
    /// </summary>
    /// <param name="edges">Soft edges, one channel.</param>
    /// <param name="threshold">In grey levels.</param>
    /// <param name="sigma">Standard deviation of the blur in pixels, above 0.</param>
    /// <returns>One channel of 0 and 255, of the same size.</returns>
    public static ImageBuffer Thin(ImageBuffer edges, double threshold = 127, double sigma = 3)
    {
        ArgumentNullException.ThrowIfNull(edges);
        var (width, height) = (edges.Width, edges.Height);
        var soft = new FloatMap(width, height, GaussianBlur.Apply(FloatMap.Of(edges).Values, width, height, 1, sigma));
        var result = new ImageBuffer(width, height, 1);
        for (int y = 0, i = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++, i++)
            {
                var value = soft.Values[i];
                if (!(value > threshold))
                    continue;
                foreach (var (dx, dy) in Lines)
                {
                    if (value >= At(soft, x - dx, y - dy) && value >= At(soft, x + dx, y + dy))
                        result.Samples[i] = byte.MaxValue;
                }
            }
        }

        return result;
    }

    /// <summary>A scribble: thin lines, blurred in 8 bits (sigma 3), 255 where the result is above 4.</summary>
    /// <param name="edges">Soft edges, one channel.</param>
    /// <returns>One channel of 0 and 255, of the same size.</returns>
    public static ImageBuffer Scribble(ImageBuffer edges)
    {
        var result = GaussianBlur.Apply(Thin(edges), 3);
        foreach (ref var sample in result.Samples.AsSpan())
            sample = sample > 4 ? byte.MaxValue : byte.MinValue;
        return result;
    }

    /// <summary>
    /// The "safe" map of three levels, in which no faint structure of the photo can hide: trunc(3 v) / 2. An edge of exactly 1 would become
    /// 1.5, so levels are clipped.
    /// </summary>
    /// <param name="edges">Soft edges, one channel.</param>
    /// <returns>One channel of 0, 127 and 255, of the same size.</returns>
    public static ImageBuffer Safe(ImageBuffer edges)
    {
        ArgumentNullException.ThrowIfNull(edges);
        var result = new ImageBuffer(edges.Width, edges.Height, edges.Channels);
        for (var i = 0; i < result.Samples.Length; i++)
            result.Samples[i] = (byte)Math.Clamp(SafeStep(edges.Samples[i] / 255f) * 255, 0, 255);
        return result;
    }

    /// <summary>trunc(3 v) / 2.</summary>
    /// <param name="value">A soft edge, 0 to 1.</param>
    /// <returns>0, 0.5, 1, or 1.5 for exactly 1.</returns>
    public static float SafeStep(float value) => MathF.Truncate(value * 3) / 2;

    private static float At(FloatMap map, int x, int y) =>
        (uint)x < (uint)map.Width && (uint)y < (uint)map.Height ? map[x, y] : float.NegativeInfinity;
}
