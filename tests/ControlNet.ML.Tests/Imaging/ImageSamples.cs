using ControlNet.ML.Imaging;
using FsCheck;
using FsCheck.Fluent;

namespace ControlNet.ML.Tests.Imaging;

/// <summary>Random small images for properties: any channel count, sides from 1 on, noise as well as few levels.</summary>
public static class ImageSamples
{
    public static Arbitrary<ImageBuffer> Images() => Arb.From(
        from width in Gen.Choose(1, 40)
        from height in Gen.Choose(1, 40)
        from channels in Gen.Elements(1, 3, 4)
        from levels in Gen.Elements(2, 5, 256)
        from seed in Gen.Choose(0, int.MaxValue - 1)
        select Noise(width, height, channels, levels, seed));

    /// <summary>Noise of some levels, spread over 0 to 255.</summary>
    public static ImageBuffer Noise(int width, int height, int channels, int levels = 256, int seed = 0)
    {
        var image = new ImageBuffer(width, height, channels);
        var random = new Random(seed);
        foreach (ref var sample in image.Samples.AsSpan())
            sample = (byte)(random.Next(levels) * 255 / (levels - 1));
        return image;
    }
}
