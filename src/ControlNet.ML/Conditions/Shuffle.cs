using System.ComponentModel.DataAnnotations;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="Shuffle"/>.</summary>
public sealed record ShuffleOptions
{
    /// <summary>Seed of the random flow; the same seed gives the same map on every machine.</summary>
    /// <value>0.</value>
    [Range(0, int.MaxValue)]
    public int Seed { get; init; }

    /// <summary>The size of the flow's features in pixels, 1 to 4,096.</summary>
    /// <value>256.</value>
    [Range(1, 4096)]
    public int Scale { get; init; } = 256;
}

/// <summary>Rearranges the image's colors and textures: a random smooth flow gives the source of each pixel.</summary>
public static class Shuffle
{
    /// <summary>
    /// Shuffles like the public annotator. The flow is that of <c>numpy.random.seed(seed)</c> there: coarse uniform noise, one value per
    /// feature, upsampled by cubic interpolation, scaled to the image's range; first for x, then for y.
    /// </summary>
    /// <param name="image">The image; alpha is composited on white.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>RGB, of the same size.</returns>
    /// <exception cref="ControlNetException">The seed is negative, or the scale out of range.</exception>
    public static ImageBuffer Apply(ImageBuffer image, ShuffleOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        options = ConditionOption.Check(options ?? new(), "shuffle");
        var scale = options.Scale;
        var random = new MersenneTwister((uint)options.Seed);
        var (x, y) = (Noise(random, image.Width, image.Height, scale), Noise(random, image.Width, image.Height, scale));
        var flow = new float[2 * x.Length];
        for (var i = 0; i < x.Length; i++)
        {
            flow[2 * i] = (float)(x[i] * (image.Width - 1));
            flow[(2 * i) + 1] = (float)(y[i] * (image.Height - 1));
        }

        return Remap.Apply(Color.Hwc3(image), flow, image.Width, image.Height);
    }

    /// <summary>Smooth noise over an image, with minimum 0 and maximum 1.</summary>
    private static double[] Noise(MersenneTwister random, int width, int height, int scale)
    {
        var (columns, rows) = ((width / scale) + 2, (height / scale) + 2);
        var coarse = new double[columns * rows];
        foreach (ref var value in coarse.AsSpan())
            value = random.NextDouble53();
        var (wide, high) = (checked(width + (2 * scale)), checked(height + (2 * scale)));
        var fine = KernelResize.Cubic<double>(coarse, columns, rows, 1, wide, high, new Window(scale, scale, width, height));
        var (least, most) = (fine.Min(), fine.Max());
        foreach (ref var value in fine.AsSpan())
            value = most > least ? (value - least) / (most - least) : 0;
        return fine;
    }
}
