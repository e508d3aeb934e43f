using ControlNet.ML.Imaging;
using FsCheck;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Imaging;

[Properties(Arbitrary = [typeof(ImageSamples)])]
public class ResizeTests
{
    [Property]
    public void To_its_own_size_is_the_identity(ImageBuffer image, Interpolation interpolation, PillowFilter filter)
    {
        Assert.Equal(image.Samples, Resize.Apply(image, image.Width, image.Height, interpolation).Samples);
        Assert.Equal(image.Samples, PillowResize.Apply(image, image.Width, image.Height, filter).Samples);
        Assert.NotSame(image.Samples, PillowResize.Apply(image, image.Width, image.Height, filter).Samples);
    }

    [Property]
    public void Any_size_works_and_plain_stays_plain(byte level, Interpolation interpolation, PillowFilter filter, PositiveInt a, PositiveInt b, PositiveInt c, PositiveInt d)
    {
        var image = new ImageBuffer(a.Get % 50 + 1, b.Get % 50 + 1, 3);
        Array.Fill(image.Samples, level);
        var (width, height) = (c.Get % 50 + 1, d.Get % 50 + 1);

        // Truncated products may lose one level in INTER_LINEAR, as in OpenCV.
        Assert.All(Resize.Apply(image, width, height, interpolation).Samples, sample => Assert.InRange(level - sample, 0, 1));
        Assert.All(PillowResize.Apply(image, width, height, filter).Samples, sample => Assert.Equal(level, sample));
    }

    [Property]
    public void Channels_do_not_mix(ImageBuffer image, Interpolation interpolation)
    {
        var red = new ImageBuffer(image.Width, image.Height, 1, [.. image.Samples.Where((_, i) => i % image.Channels == 0)]);
        var expected = Resize.Apply(image, 23, 17, interpolation).Samples.Where((_, i) => i % image.Channels == 0).ToArray();
        var actual = Resize.Apply(red, 23, 17, interpolation).Samples;

        // Which samples of a row go through float32 depends on their number, so INTER_CUBIC may differ by a level.
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
    }

    [Fact]
    public void Transparent_colour_does_not_bleed_with_pillow()
    {
        var image = new ImageBuffer(2, 1, 4, [200, 100, 50, 255, 0, 255, 0, 0]);
        var result = PillowResize.Apply(image, 1, 1, PillowFilter.Box);
        Assert.Equal([200, 100, 50, 128], result.Samples.Select((s, i) => i < 3 ? (int)Math.Round(s / 10.0) * 10 : s));
    }

    [Fact]
    public void Parts_outside_the_picture_are_refused() => Assert.Throws<ArgumentOutOfRangeException>(
        () => PillowResize.Apply(new ImageBuffer(4, 4, 1), 2, 2, PillowFilter.Box, new PillowBox(0, 0, 5, 4)));
}
