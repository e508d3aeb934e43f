using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>
/// An image that costs filters as much as a photo does: areas with edges, shading, texture and noise, from a fixed seed.
/// <c>scripts/bench_conditions.py</c> makes the same image with OpenCV.
/// </summary>
internal static class SyntheticPhoto
{
    public static ImageBuffer Make(int side)
    {
        var (areas, shades, texture, noise) = (Cloud(24, side, 1), Cloud(6, side, 2), Cloud(side / 8, side, 3), Cloud(side, side, 4));
        for (var i = 0; i < areas.Length; i++)
            areas[i] = (byte)((areas[i] / 64 * 40) + (shades[i] / 4) + (texture[i] / 8) + (noise[i] / 32));
        return new ImageBuffer(side, side, 3, areas);
    }

    /// <summary>Seeded noise of cells x cells pixels, upsampled.</summary>
    private static byte[] Cloud(int cells, int side, uint seed)
    {
        var noise = new ImageBuffer(cells, cells, 3);
        for (var i = 0; i < noise.Samples.Length; i++)
        {
            var hash = unchecked(((uint)i + (seed << 28)) * 2654435761);
            hash = unchecked((hash ^ (hash >> 15)) * 739982445);
            noise.Samples[i] = (byte)((hash ^ (hash >> 12)) >> 24);
        }

        return Resize.Apply(noise, side, side, Interpolation.Linear).Samples;
    }
}
