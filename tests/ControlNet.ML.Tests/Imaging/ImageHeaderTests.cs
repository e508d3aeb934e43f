using ControlNet.ML.Imaging;

namespace ControlNet.ML.Tests.Imaging;

public sealed class ImageHeaderTests
{
    [Theory]
    [InlineData(".png")]
    [InlineData(".jpg")]
    [InlineData(".webp")]
    public void The_size_is_read_from_the_header_alone(string extension)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File($"a{extension}");
        ImageCodec.Save(path, new ImageBuffer(37, 21, 3));
        Assert.Equal((37, 21), ImageHeader.Read(path));
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^9]);
        Assert.Equal((37, 21), ImageHeader.Read(path));
    }

    [Fact]
    public void What_is_no_image_or_too_large_is_refused_as_the_codec_does()
    {
        using var folder = new TemporaryFolder();
        var image = folder.File("a.png");
        ImageCodec.SavePng(image, new ImageBuffer(30, 20, 1));
        foreach (var path in new[] { folder.Write("text.png", "no image"u8.ToArray()), folder.Write("empty.png", []), folder.File("missing.png") })
            Assert.Equal(Refusal(() => ImageCodec.Load(path)), Refusal(() => ImageHeader.Read(path)));
        var limit = new ImageLoadOptions { MaxPixels = 500 };
        Assert.Contains("30x20 pixels, more than", Refusal(() => ImageHeader.Read(image, limit)));
    }

    private static string Refusal(Func<object> read) => Assert.Throws<ControlNetException>(read).Message;
}
