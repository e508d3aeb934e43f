using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>
/// An image that keeps filters as busy as a photo does: areas with edges, shades, texture and noise, from a fixed seed. The same as
/// <c>scripts/bench_conditions.py</c> makes with OpenCV.
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

    /// <summary>Seeded noise of some cells a side, enlarged.</summary>
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
