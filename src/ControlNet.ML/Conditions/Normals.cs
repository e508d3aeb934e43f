using System.ComponentModel.DataAnnotations;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="Normals"/>.</summary>
public sealed record NormalsOptions
{
    /// <summary>Pixels whose depth, scaled to 0 to 1, is below this are background that faces the viewer; 0 to 1.</summary>
    /// <value>0.4, as in the original annotator.</value>
    [Range(0, 1)]
    public double BackgroundThreshold { get; init; } = 0.4;

    /// <summary>
    /// The order of the result's channels. controlnet_aux returns B, G, R, the reverse of what the networks were trained with.
    /// </summary>
    /// <value><see cref="ChannelOrder.Rgb"/>.</value>
    public ChannelOrder Order { get; init; } = ChannelOrder.Rgb;
}

/// <summary>Surface normals as a color map: x, y, z as R, G, B from -1..1 to 0..255.</summary>
public static class Normals
{
    /// <summary>Estimates normals from depths as in the original MiDaS annotator: gradients by Sobel kernels, z = 2 pi.</summary>
    /// <param name="depths">Inverse depths, near is large; all finite.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>RGB, of the same size.</returns>
    /// <exception cref="ControlNetException">A depth is not finite, or an option is out of range.</exception>
    public static ImageBuffer FromDepth(FloatMap depths, NormalsOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(depths);
        options = ConditionOption.Check(options ?? new(), "normal_map");
        var threshold = (float)options.BackgroundThreshold;
        Depth.CheckFinite(depths);
        var least = depths.Values.Min();
        var range = depths.Values.Max() - least;
        const float Front = (float)(Math.PI * 2);
        var result = new ImageBuffer(depths.Width, depths.Height, 3);
        for (int row = 0, i = 0; row < depths.Height; row++)
        {
            for (var column = 0; column < depths.Width; column++, i++)
            {
                var (x, y) = Slope(depths, column, row);
                if ((range > 0 ? (depths.Values[i] - least) / range : 0) < threshold)
                    (x, y) = (0, 0);
                var length = MathF.Sqrt((x * x) + (y * y) + (Front * Front));
                result.Samples[3 * i] = Level(x / length);
                result.Samples[(3 * i) + 1] = Level(y / length);
                result.Samples[(3 * i) + 2] = Level(Front / length);
            }
        }

        if (options.Order == ChannelOrder.Bgr)
        {
            for (var i = 0; i < result.Samples.Length; i += 3)
                (result.Samples[i], result.Samples[i + 2]) = (result.Samples[i + 2], result.Samples[i]);
        }

        return result;
    }

    /// <summary>Normals of an image that is a depth map.</summary>
    /// <param name="image">
    /// The map, near is bright; its <see cref="ImageBuffer.Deep"/> values are used if it has them. Colors are converted to grey.
    /// </param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>The normals as RGB.</returns>
    /// <exception cref="ControlNetException">An option is out of range.</exception>
    public static ImageBuffer OfDepthMap(ImageBuffer image, NormalsOptions? options = null) => FromDepth(FloatMap.OfDeep(image), options);

    /// <summary>
    /// Normals from a network (NormalBae): (n + 1) / 2, clipped, scaled to levels, truncated; not normalised to length 1.
    /// </summary>
    /// <param name="x">To the left.</param>
    /// <param name="y">Upwards.</param>
    /// <param name="z">Towards the viewer; all three spans have the same length, values -1 to 1.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <returns>RGB.</returns>
    public static ImageBuffer FromNetwork(ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> z, int width, int height)
    {
        var result = new ImageBuffer(width, height, 3);
        for (var i = 0; i < width * height; i++)
        {
            result.Samples[3 * i] = OfSigned(x[i]);
            result.Samples[(3 * i) + 1] = OfSigned(y[i]);
            result.Samples[(3 * i) + 2] = OfSigned(z[i]);
        }

        return result;

        static byte OfSigned(float n) => (byte)(Math.Clamp((n + 1) * 0.5f, 0, 1) * 255);
    }

    private static byte Level(float n) => (byte)Math.Clamp((n * 127.5f) + 127.5f, 0, 255);

    /// <summary>Sobel's 3x3 kernels, with borders reflected without repeating the edge.</summary>
    private static (float X, float Y) Slope(FloatMap map, int x, int y)
    {
        var (left, right) = (RowVectors.Mirror(x - 1, map.Width), RowVectors.Mirror(x + 1, map.Width));
        var (above, below) = (RowVectors.Mirror(y - 1, map.Height), RowVectors.Mirror(y + 1, map.Height));
        var across = (map[right, above] - map[left, above]) + (2 * (map[right, y] - map[left, y])) + (map[right, below] - map[left, below]);
        var down = (map[left, below] + (2 * map[x, below]) + map[right, below])
            - (map[left, above] + (2 * map[x, above]) + map[right, above]);
        return (across, down);
    }
}
