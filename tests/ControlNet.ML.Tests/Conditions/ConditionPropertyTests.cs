using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Conditions;

/// <summary>What holds for every condition and any small picture.</summary>
[Properties(Arbitrary = [typeof(ConditionPropertyTests)], MaxTest = 60)]
public sealed class ConditionPropertyTests
{
    public static Arbitrary<ImageBuffer> Pictures() => Arb.From(
        from width in Gen.Choose(1, 20)
        from height in Gen.Choose(1, 20)
        from channels in Gen.Elements(1, 3, 4)
        from samples in Gen.Choose(0, 255).ListOf(width * height * channels)
        select new ImageBuffer(width, height, channels, [.. samples.Select(s => (byte)s)]));

    [Property]
    public void Every_condition_keeps_the_size_and_the_picture_it_was_given(ImageBuffer picture)
    {
        var before = picture.Samples.ToArray();
        foreach (var kind in ConditionCatalog.All)
        {
            var condition = kind.Apply(picture);
            Assert.Equal((kind.Name, picture.Width, picture.Height), (kind.Name, condition.Width, condition.Height));
            Assert.Equal(before, picture.Samples);
        }
    }

    [Property]
    public void Black_and_white_maps_hold_nothing_else(ImageBuffer picture)
    {
        foreach (var name in new[] { "canny", "scribble", "scribble_xdog", "threshold" })
            Assert.All(ConditionCatalog.Find(name).Apply(picture).Samples, sample => Assert.True(sample is 0 or 255));
    }

    [Property]
    public void Inverting_twice_is_the_picture(ImageBuffer picture)
    {
        var colours = Colour.Hwc3(picture);
        Assert.Equal(colours.Samples, Colour.Invert(Colour.Invert(colours)).Samples);
    }

    [Property]
    public void A_median_of_one_pixel_is_the_picture_and_a_flat_picture_stays_flat(ImageBuffer picture, byte level, byte size)
    {
        Assert.Equal(picture.Samples, MedianBlur.Apply(picture, 1).Samples);
        var flat = new ImageBuffer(picture.Width, picture.Height, picture.Channels);
        Array.Fill(flat.Samples, level);
        Assert.Equal(flat.Samples, MedianBlur.Apply(flat, size | 1).Samples);
        Assert.Equal(flat.Samples, GaussianBlur.Apply(flat, 0.3 + (size / 20.0)).Samples);
    }

    [Property]
    public void The_weights_of_a_blur_add_up_and_are_the_same_from_both_ends(byte size, byte sigma)
    {
        var weights = GaussianBlur.Weights((size % 60) | 1, sigma / 16.0);
        Assert.Equal(1, weights.Sum(), 12);
        Assert.Equal(weights, weights.Reverse());
    }

    [Fact]
    public void Options_are_read_from_texts_and_wrong_ones_are_named()
    {
        var scribble = ConditionCatalog.Find("scribble");
        Assert.Equal(new ScribbleOptions { Threshold = 90 }, scribble.ParseOptions(["threshold=90"]));
        Assert.Equal(new CannyOptions { Low = 12.5, L2Gradient = true }, ConditionCatalog.Find("canny").ParseOptions(["LOW=12.5", "l2-gradient=true"]));
        Assert.Contains("expected one of Threshold", Assert.Throws<ControlNetException>(() => scribble.ParseOptions(["treshold=90"])).Message);
        Assert.Contains("'x' is no", Assert.Throws<ControlNetException>(() => scribble.ParseOptions(["threshold=x"])).Message);
        Assert.Contains("NAME=VALUE", Assert.Throws<ControlNetException>(() => scribble.ParseOptions(["threshold"])).Message);
        Assert.Contains("takes no options", Assert.Throws<ControlNetException>(() => ConditionCatalog.Find("none").ParseOptions(["a=1"])).Message);
    }

    [Theory]
    [InlineData("blur", "sigma=0")]
    [InlineData("blur", "sigma=NaN")]
    [InlineData("scribble", "threshold=256")]
    [InlineData("threshold", "threshold=-1")]
    [InlineData("tile", "downsampling=0.5")]
    [InlineData("recolor_luminance", "gamma=9")]
    [InlineData("lineart_standard", "cut=-1")]
    public void Values_out_of_range_are_refused(string kind, string option)
    {
        var found = ConditionCatalog.Find(kind);
        Assert.Contains("expected", Assert.Throws<ControlNetException>(() => found.Apply(new ImageBuffer(4, 4, 3), found.ParseOptions([option]))).Message);
    }
}
