using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Imaging;

/// <summary>Images of 16 bits keep them from the file to the kinds that scale depths.</summary>
public sealed class DeepImageTests
{
    private static readonly byte[] Types = [0, 2, 4, 6];

    [Property(MaxTest = 60)]
    public Property Every_type_of_PNG_gives_all_its_bits() => Prop.ForAll(
        Gen.Choose(1, 20).SelectMany(width => Gen.Choose(0, ushort.MaxValue).ArrayOf(width * (1 + (width % 7)))
            .Select(values => (Width: width, Values: values.Select(value => (ushort)value).ToArray()))).ToArbitrary(),
        Gen.Elements(Types).ToArbitrary(),
        Gen.Elements(true, false).ToArbitrary(),
        (image, type, interlaced) =>
        {
            var read = ImageCodec.Decode(PngWriter.Deep(image.Width, image.Values, type, interlaced), "memory");
            Assert.Equal((image.Width, image.Values.Length / image.Width), (read.Width, read.Height));
            Assert.Equal(image.Values.Select(value => (float)value), read.Deep!.Values);
            Assert.Equal(image.Values.Select(value => (byte)(value >> 8)), Color.Grey(read).Samples);
        });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void They_are_turned_upright_as_the_samples_are(byte orientation)
    {
        byte[] exif = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0];
        ushort[] values = [1 << 8, 2 << 8, 3 << 8, 4 << 8, 5 << 8, 6 << 8];
        var image = ImageCodec.Decode(PngWriter.Deep(3, values, chunks: ("eXIf", exif)), "memory");
        Assert.Equal(image.Samples.Select(sample => (float)(sample << 8)), image.Deep!.Values);
    }

    [Fact]
    public void Eight_bits_have_none() =>
        Assert.Null(ImageCodec.Decode(ImageCodec.EncodePng(new ImageBuffer(2, 2, 1)), "memory").Deep);

    [Theory]
    [InlineData(FitMode.Resize)]
    [InlineData(FitMode.Crop)]
    [InlineData(FitMode.Fill)]
    public void They_are_fitted_as_the_samples_are(FitMode mode)
    {
        var smooth = Blur.Apply(ImageSamples.Noise(37, 23, 1), new BlurOptions { Sigma = 3 });
        var image = Color.Grey(smooth);
        image = new ImageBuffer(37, 23, 1, image.Samples) { Deep = new FloatMap(37, 23, [.. image.Samples.Select(sample => sample * 257f)]) };
        foreach (var (width, height) in ((int, int)[])[(37, 23), (16, 24), (64, 24), (23, 37), (80, 80)])
        {
            var geometry = Geometry.ForImage(37, 23, width, height, mode);
            var fitted = ImageFit.Apply(image, geometry);
            Assert.Equal((width, height), (fitted.Deep!.Width, fitted.Deep.Height));
            for (var i = 0; i < fitted.Samples.Length; i++)
                Assert.Equal(fitted.Samples[i], fitted.Deep.Values[i] / 257, 1.5f);
            Assert.True(width == 37 || fitted.Deep.Values.Any(value => value % 257 != 0), "The deep values were made of 8 bits.");
        }
    }

    [Fact]
    public void Equal_values_stay_as_they_are_at_any_size()
    {
        var image = new ImageBuffer(9, 7, 1) { Deep = new FloatMap(9, 7, [.. Enumerable.Repeat(54321f, 63)]) };
        foreach (var filter in Enum.GetValues<PillowFilter>())
            Assert.All(ImageFit.Apply(image, Geometry.ForImage(9, 7, 16, 5, FitMode.Resize), filter).Deep!.Values, value => Assert.Equal(54321f, value));
    }

    [Fact]
    public void Transparent_depths_are_depths_while_the_samples_count_as_white()
    {
        ushort[] values = [0, 1000, 40_000];
        foreach (var type in (byte[])[4, 6])
        {
            foreach (var alpha in (ushort[])[0, 0x8080, ushort.MaxValue])
            {
                var flat = Color.OverWhite(ImageCodec.Decode(PngWriter.Deep(3, values, type, alpha: alpha), "memory"));
                Assert.Equal([0f, 1000f, 40_000f], flat.Deep!.Values);
                Assert.Equal(3, flat.Channels);
                Assert.True(alpha != 0 || flat.Samples.All(sample => sample == 255));
            }
        }
    }

    [Fact]
    public void Depth_and_normal_kinds_see_every_level()
    {
        // Millimetres, as sensors write them: 64 distances of which the upper byte has nine.
        ushort[] values = [.. Enumerable.Range(0, 64 * 64).Select(i => (ushort)(1000 + (32 * (i % 64))))];
        foreach (var type in Types)
        {
            var image = Color.OverWhite(ImageCodec.Decode(PngWriter.Deep(64, values, type), "memory"));
            var map = new FloatMap(64, 64, [.. values.Select(value => (float)value)]);
            var depth = ConditionCatalog.Find("depth_map").Apply(image);
            Assert.Equal(Depth.Apply(map).Samples, depth.Samples);
            Assert.Equal(64, depth.Samples.Distinct().Count());
            Assert.Equal(Normals.FromDepth(map).Samples, ConditionCatalog.Find("normal_map").Apply(image).Samples);
        }
    }

    [Fact]
    public void Values_of_another_size_are_refused() =>
        Assert.Contains("expected 2x2", Assert.Throws<ArgumentException>(() => new ImageBuffer(2, 2, 1) { Deep = new FloatMap(2, 3) }).Message);
}
