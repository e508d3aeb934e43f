using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using ControlNet.ML.Tests.Imaging;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Conditions;

[Properties(Arbitrary = [typeof(ImageSamples)])]
public class CannyTests
{
    private static readonly int[] Apertures = [3, 5, 7];

    [Property]
    public void Edges_are_black_and_white_and_of_the_images_size(ImageBuffer image, bool l2, byte aperture)
    {
        var options = new CannyOptions { L2Gradient = l2, Aperture = Apertures[aperture % 3] };
        var edges = Canny.Apply(image, options);
        Assert.Equal((image.Width, image.Height, 1), (edges.Width, edges.Height, edges.Channels));
        Assert.All(edges.Samples, sample => Assert.True(sample is 0 or 255));
        Assert.Equal(edges.Samples, Canny.Apply(image, options with { Low = options.High, High = options.Low }).Samples);
    }

    [Property]
    public void A_constant_added_changes_nothing(ImageBuffer image, byte constant, bool l2, byte aperture)
    {
        var dim = new ImageBuffer(image.Width, image.Height, image.Channels, [.. image.Samples.Select(sample => (byte)(sample / 2))]);
        var bright = new ImageBuffer(image.Width, image.Height, image.Channels, [.. dim.Samples.Select(sample => (byte)(sample + (constant / 2)))]);
        var options = new CannyOptions { Low = 30, High = 90, L2Gradient = l2, Aperture = Apertures[aperture % 3] };
        Assert.Equal(Canny.Apply(dim, options).Samples, Canny.Apply(bright, options).Samples);
    }

    [Property]
    public void Three_equal_channels_have_the_edges_of_one(ImageBuffer image)
    {
        var grey = Color.Grey(image);
        Assert.Equal(Canny.Apply(grey).Samples, Canny.Apply(Color.Rgb(grey)).Samples);
    }

    [Fact]
    public void A_step_is_one_white_line()
    {
        var image = new ImageBuffer(40, 20, 1);
        for (var y = 0; y < 20; y++)
            image.Row(y)[20..].Fill(255);
        var edges = Canny.Apply(image);
        for (var y = 0; y < 20; y++)
            Assert.Equal(1, edges.Row(y).Count((byte)255));
    }

    [Theory]
    [InlineData(double.NaN, 200, 3, "Low")]
    [InlineData(100, -1, 3, "High")]
    [InlineData(100, double.PositiveInfinity, 3, "High")]
    [InlineData(100, 200, 4, "3, 5 or 7")]
    public void Options_out_of_range_are_named(double low, double high, int aperture, string named)
    {
        var options = new CannyOptions { Low = low, High = high, Aperture = aperture };
        Assert.Contains(named, Assert.Throws<ControlNetException>(() => Canny.Apply(new ImageBuffer(1, 1, 1), options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_catalog_applies_what_it_names()
    {
        var image = ImageSamples.Noise(30, 20, 4);
        Assert.Equal(Canny.Apply(image).Samples, ConditionCatalog.Find("Canny").Apply(image).Samples);
        Assert.Equal(Color.Hwc3(image).Samples, ConditionCatalog.Find("none").Apply(image).Samples);
        Assert.IsType<CannyOptions>(ConditionCatalog.Find("canny").Defaults);
        Assert.Contains("'canny', ", Assert.Throws<ControlNetException>(() => ConditionCatalog.Find("kanny")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => ConditionCatalog.Find("none").Apply(image, new CannyOptions()));
    }
}
