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

    [Property(MaxTest = 400)]
    public void Equals_the_rule_sample_by_sample(ImageBuffer image, Interpolation interpolation, PositiveInt a, PositiveInt b)
    {
        var (width, height) = ((a.Get * 7 % 90) + 1, (b.Get * 7 % 90) + 1);
        Assert.Equal(ResizeModel.Apply(image, width, height, interpolation), Resize.Apply(image, width, height, interpolation).Samples);
    }

    // Around the lengths of vectors, 16 and 32 bytes, and for each way through the code: halves, blocks, cells, windows that are too narrow.
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    public void Equals_the_rule_at_the_ends_of_vectors(int channels)
    {
        foreach (var width in new[] { 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 34, 63, 64, 65 })
        {
            var image = ImageSamples.Noise(width, 6, channels, seed: width);
            foreach (var target in new[] { 1, 2, width / 9, width / 4, width / 3, width / 2, width * 37 / 100, width - 1, width + 1, width * 17 / 10, width * 2, width * 3 })
            {
                foreach (var height in new[] { 1, 2, 3, 5, 12 })
                {
                    var to = Math.Max(target, 1);
                    foreach (var interpolation in Enum.GetValues<Interpolation>())
                        Assert.Equal(ResizeModel.Apply(image, to, height, interpolation), Resize.Apply(image, to, height, interpolation).Samples);
                }
            }
        }
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

    [Property]
    public void Floats_are_resized_channel_by_channel(PositiveInt a, PositiveInt b, PositiveInt c, byte channels)
    {
        var (width, height, count) = ((a.Get % 40) + 1, (b.Get % 30) + 1, (channels % 7) + 1);
        var (smaller, shorter, larger) = ((c.Get % width) + 1, (c.Get % height) + 1, width + (c.Get % 9));
        var random = new Random(c.Get);
        var samples = new float[width * height * count];
        foreach (ref var sample in samples.AsSpan())
            sample = random.NextSingle();
        for (var channel = 0; channel < count; channel++)
        {
            var one = Every(samples, channel);
            Assert.Equal(FloatResize.Area(one, width, height, 1, smaller, shorter), Every(FloatResize.Area(samples, width, height, count, smaller, shorter), channel));
            Assert.Equal(FloatResize.Linear(one, width, height, 1, larger, shorter), Every(FloatResize.Linear(samples, width, height, count, larger, shorter), channel));
        }

        float[] Every(float[] values, int channel) => [.. values.Where((_, i) => i % count == channel)];
    }

    [Fact]
    public void Transparent_color_does_not_bleed_with_pillow()
    {
        var image = new ImageBuffer(2, 1, 4, [200, 100, 50, 255, 0, 255, 0, 0]);
        var result = PillowResize.Apply(image, 1, 1, PillowFilter.Box);
        Assert.Equal([200, 100, 50, 128], result.Samples.Select((s, i) => i < 3 ? (int)Math.Round(s / 10.0) * 10 : s));
    }

    [Fact]
    public void Parts_outside_the_picture_are_refused() => Assert.Throws<ArgumentOutOfRangeException>(
        () => PillowResize.Apply(new ImageBuffer(4, 4, 1), 2, 2, PillowFilter.Box, new PillowBox(0, 0, 5, 4)));
}
