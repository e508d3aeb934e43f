using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Conditions;

/// <summary>What holds for every condition and any small image.</summary>
[Properties(Arbitrary = [typeof(ConditionPropertyTests)], MaxTest = 60)]
public sealed class ConditionPropertyTests
{
    public static Arbitrary<ImageBuffer> Images() => Arb.From(
        from width in Gen.Choose(1, 20)
        from height in Gen.Choose(1, 20)
        from channels in Gen.Elements(1, 3, 4)
        from samples in Gen.Choose(0, 255).ListOf(width * height * channels)
        select new ImageBuffer(width, height, channels, [.. samples.Select(s => (byte)s)]));

    [Property]
    public void Every_condition_keeps_the_size_and_the_image_it_was_given(ImageBuffer image)
    {
        var before = image.Samples.ToArray();
        foreach (var kind in ConditionCatalog.All)
        {
            var condition = kind.Apply(image);
            Assert.Equal((kind.Name, image.Width, image.Height), (kind.Name, condition.Width, condition.Height));
            Assert.Equal(before, image.Samples);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 700)]
    [InlineData(700, 1)]
    [InlineData(30_000, 1)]
    [InlineData(1, 30_000)]
    [InlineData(3, 2)]
    public void Every_condition_takes_images_of_odd_shapes(int width, int height)
    {
        var image = new ImageBuffer(width, height, 3);
        for (var i = 0; i < image.Samples.Length; i++)
            image.Samples[i] = (byte)(i * 31);
        foreach (var kind in ConditionCatalog.Managed)
        {
            var condition = kind.Apply(image);
            Assert.Equal((kind.Name, width, height), (kind.Name, condition.Width, condition.Height));
        }
    }

    [Property]
    public void Canny_does_not_see_how_bright_it_is(ImageBuffer image, byte brightness)
    {
        var grey = Color.Grey(image);
        var dark = new ImageBuffer(grey.Width, grey.Height, 1, [.. grey.Samples.Select(s => (byte)(s / 2))]);
        var bright = new ImageBuffer(grey.Width, grey.Height, 1, [.. dark.Samples.Select(s => (byte)(s + (brightness / 2)))]);
        Assert.Equal(Canny.Apply(dark).Samples, Canny.Apply(bright).Samples);
    }

    [Property]
    public void Black_and_white_maps_hold_nothing_else(ImageBuffer image)
    {
        foreach (var name in new[] { "canny", "scribble", "scribble_xdog", "threshold" })
            Assert.All(ConditionCatalog.Find(name).Apply(image).Samples, sample => Assert.True(sample is 0 or 255));
    }

    [Property]
    public void Shuffling_only_mixes_neighbours_and_follows_its_seed(ImageBuffer image, byte seed, byte scale)
    {
        var options = new ShuffleOptions { Seed = seed, Scale = 1 + scale };
        var shuffled = Shuffle.Apply(image, options);
        Assert.Equal(shuffled.Samples, Shuffle.Apply(image, options).Samples);
        var colors = Color.Hwc3(image);
        for (var c = 0; c < 3; c++)
        {
            var levels = colors.Samples.Where((_, i) => i % 3 == c).ToArray();
            Assert.All(shuffled.Samples.Where((_, i) => i % 3 == c), level => Assert.InRange(level, levels.Min(), levels.Max()));
        }
    }

    [Property]
    public void Every_label_comes_back_from_its_color(byte[] labels)
    {
        if (labels.Length == 0)
            return;
        foreach (var palette in SegmentationPalette.All)
        {
            var map = new ImageBuffer(labels.Length, 1, 1, [.. labels.Select(label => (byte)(label % palette.Classes.Count))]);
            var colors = palette.ToColors(map);
            var back = palette.ToLabels(colors);
            Assert.Equal(colors.Samples, palette.ToColors(back).Samples);
            Assert.Equal(back.Samples, palette.ToNearestLabels(colors).Samples);

            // Two classes of ADE20K share a color; all others are themselves again.
            Assert.Equal(map.Samples.Select(label => palette.Name == "ade20k" && label == 48 ? (byte)6 : label), back.Samples);
        }
    }

    [Property]
    public void A_segmentation_s_colors_are_the_palette_s_and_stay(ImageBuffer image)
    {
        var map = SegmentationMap.Apply(image);
        var known = SegmentationPalette.Ade20k.Classes.Select(c => (c.Red, c.Green, c.Blue)).ToHashSet();
        for (var i = 0; i < map.Samples.Length; i += 3)
            Assert.Contains((map.Samples[i], map.Samples[i + 1], map.Samples[i + 2]), known);
        Assert.Equal(map.Samples, SegmentationMap.Apply(map).Samples);
        Assert.Equal(map.Samples, SegmentationMap.Apply(SegmentationPalette.Ade20k.ToLabels(map), new SegmentationMapOptions { Labels = true }).Samples);
    }

    [Property]
    public void A_depth_map_reaches_both_ends_and_its_negative_too(ImageBuffer image)
    {
        var map = Depth.OfMap(image);
        var flat = FloatMap.Of(image).Values.Distinct().Count() == 1;
        Assert.Equal((byte)0, map.Samples.Min());
        Assert.Equal(flat ? (byte)0 : (byte)255, map.Samples.Max());
        Assert.Equal(map.Samples.Select(level => (byte)(255 - level)), Depth.OfMap(image, new DepthOptions { Invert = true }).Samples);
    }

    [Property]
    public void Normals_face_the_viewer_and_have_length_one(ImageBuffer image)
    {
        var map = Normals.OfDepthMap(image, new NormalsOptions { BackgroundThreshold = 0 }).Samples;
        for (var i = 0; i < map.Length; i += 3)
        {
            // A level is 1/127.5, truncated.
            double Of(byte level) => (level + 0.5 - 127.5) / 127.5;
            Assert.True(map[i + 2] >= 127);
            Assert.Equal(1, Math.Sqrt(Math.Pow(Of(map[i]), 2) + Math.Pow(Of(map[i + 1]), 2) + Math.Pow(Of(map[i + 2]), 2)), 0.02);
        }
    }

    [Fact]
    public void Shuffling_is_that_of_numpy_and_OpenCV_at_the_same_seed()
    {
        Assert.SkipUnless(Fixtures.Has("shuffle", "photo_c-7-16.png"), "No reference of the shuffle.");
        var expected = ImageCodec.Load(Fixtures.Path("shuffle", "photo_c-7-16.png"));
        var actual = Shuffle.Apply(ImageCodec.Load(Fixtures.Path("conditions", "inputs", "photo_c.png")), new ShuffleOptions { Seed = 7, Scale = 16 });
        Assert.Equal(expected.Samples, actual.Samples);
    }

    [Property]
    public void Inverting_twice_is_the_image(ImageBuffer image)
    {
        var colors = Color.Hwc3(image);
        Assert.Equal(colors.Samples, Color.Invert(Color.Invert(colors)).Samples);
    }

    [Property]
    public void A_median_of_one_pixel_is_the_picture_and_a_flat_image_stays_flat(ImageBuffer image, byte level, byte size)
    {
        Assert.Equal(image.Samples, MedianBlur.Apply(image, 1).Samples);
        var flat = new ImageBuffer(image.Width, image.Height, image.Channels);
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
        Assert.Contains("Did you mean 'threshold'? Expected threshold.", Assert.Throws<ControlNetException>(() => scribble.ParseOptions(["treshold=90"])).Message);
        Assert.Contains("'x' is no", Assert.Throws<ControlNetException>(() => scribble.ParseOptions(["threshold=x"])).Message);
        Assert.Contains("NAME=VALUE", Assert.Throws<ControlNetException>(() => scribble.ParseOptions(["threshold"])).Message);
        var depth = ConditionCatalog.Find("depth_map");
        Assert.Equal(new DepthOptions { Scaling = DepthScaling.LeReS, Near = 5 }, depth.ParseOptions(["scaling=leres", "near=5"]));
        Assert.Contains("expected one of MinMax", Assert.Throws<ControlNetException>(() => depth.ParseOptions(["scaling=x"])).Message);
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
    [InlineData("shuffle", "seed=-1")]
    [InlineData("shuffle", "scale=0")]
    [InlineData("color_grid", "cell=0")]
    [InlineData("depth_map", "far=101")]
    [InlineData("normal_map", "backgroundthreshold=NaN")]
    [InlineData("segmentation_map", "palette=x")]
    public void Values_out_of_range_are_refused(string kind, string option)
    {
        var found = ConditionCatalog.Find(kind);
        Assert.Contains("expected", Assert.Throws<ControlNetException>(() => found.Apply(new ImageBuffer(4, 4, 3), found.ParseOptions([option]))).Message);
    }
}
