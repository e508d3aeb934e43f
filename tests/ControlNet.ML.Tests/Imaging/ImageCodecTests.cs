using ControlNet.ML.Imaging;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Imaging;

public sealed class ImageCodecTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("imaging").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Property(Arbitrary = [typeof(ImageSamples)])]
    public void Png_gives_back_what_it_was_given(ImageBuffer image)
    {
        var back = ImageCodec.Decode(ImageCodec.EncodePng(image), "memory");
        Assert.Equal(image.ToString(), back.ToString());
        Assert.Equal(image.Samples, back.Samples);
    }

    [Property]
    public void Png_gives_back_any_text(string[] texts)
    {
        var written = texts.Select(Valid).Index().ToDictionary(t => $"key {t.Index}", t => t.Item);
        var file = ImageCodec.EncodePng(new ImageBuffer(2, 2, 3), written);
        Assert.Equal(written, PngText.Read(file, "memory"));
        Assert.Equal(new byte[12], ImageCodec.Decode(file, "memory").Samples);
    }

    [Fact]
    public void Texts_in_any_script_survive_a_file_and_bytes_depend_on_contents_alone()
    {
        var image = ImageSamples.Noise(5, 4, 3);
        var texts = new Dictionary<string, string> { ["prompt"] = "une fée 妖精 🧚\nline\r\ttab", ["Software"] = "ControlNet.ML", ["seed"] = "" };
        ImageCodec.SavePng(At("a.png"), image, texts);
        ImageCodec.SavePng(At("b.png"), image, texts.Reverse().ToDictionary());
        Assert.Equal(texts, PngText.Read(At("a.png")));
        Assert.Equal(File.ReadAllBytes(At("a.png")), File.ReadAllBytes(At("b.png")));
        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" space")]
    [InlineData("two  spaces")]
    [InlineData("ключ")]
    public void Refuses_keywords_that_png_has_not(string keyword) =>
        Assert.Throws<ArgumentException>(() => ImageCodec.EncodePng(new ImageBuffer(1, 1, 1), new Dictionary<string, string> { [keyword] = "text" }));

    [Fact]
    public void Refuses_texts_that_png_cannot_hold() => Assert.All(
        ["zero\0", "half \ud83e pair", "\udd9a"],
        text => Assert.Throws<ArgumentException>(() => ImageCodec.EncodePng(new ImageBuffer(1, 1, 1), new Dictionary<string, string> { ["key"] = text })));

    [Fact]
    public void Webp_is_lossless_and_jpeg_is_close()
    {
        var image = Resize.Apply(ImageSamples.Noise(4, 4, 3), 32, 24, Interpolation.Linear);
        ImageCodec.Save(At("a.webp"), image);
        ImageCodec.Save(At("a.JPG"), image);
        ImageCodec.Save(At("a.png"), image, new Dictionary<string, string> { ["seed"] = "1" });
        Assert.Equal(image.Samples, ImageCodec.Load(At("a.webp")).Samples);
        Assert.Equal(image.Samples, ImageCodec.Load(At("a.png")).Samples);
        var error = image.Samples.Zip(ImageCodec.Load(At("a.JPG")).Samples, (a, b) => Math.Abs(a - b)).Average();
        Assert.InRange(error, 0.01, 8);
    }

    [Theory, InlineData(ImageFormat.Png, "a.png"), InlineData(ImageFormat.Jpeg, "a.jpg"), InlineData(ImageFormat.WebP, "a.webp")]
    public void A_stream_gets_the_bytes_of_the_file_and_stays_open(ImageFormat format, string name)
    {
        var image = ImageSamples.Noise(9, 7, 3);
        var text = format == ImageFormat.Png ? new Dictionary<string, string> { ["seed"] = "1" } : null;
        ImageCodec.Save(At(name), image, text);
        using var stream = new MemoryStream();
        stream.WriteByte(7);
        ImageCodec.Save(stream, image, format, text);
        Assert.Equal([7, .. File.ReadAllBytes(At(name))], stream.ToArray());
        stream.WriteByte(7);
    }

    [Fact]
    public void Nothing_reaches_a_stream_if_the_format_cannot_hold_the_image()
    {
        using var stream = new MemoryStream();
        Assert.Contains("alpha", Assert.Throws<ControlNetException>(() => ImageCodec.Save(stream, new ImageBuffer(2, 2, 4), ImageFormat.Jpeg)).Message, StringComparison.Ordinal);
        var text = new Dictionary<string, string> { ["seed"] = "1" };
        Assert.Contains("only PNG", Assert.Throws<ControlNetException>(() => ImageCodec.Save(stream, new ImageBuffer(2, 2, 3), ImageFormat.WebP, text)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageCodec.Save(stream, new ImageBuffer(2, 2, 3), (ImageFormat)9));
        Assert.Equal(0, stream.Length);
    }

    [Fact]
    public void Says_why_an_image_cannot_be_saved()
    {
        var image = new ImageBuffer(2, 2, 4);
        var text = new Dictionary<string, string> { ["seed"] = "1" };
        Assert.Contains("expected .png", Assert.Throws<ControlNetException>(() => ImageCodec.Save(At("a.tiff"), image)).Message, StringComparison.Ordinal);
        Assert.Contains("does not support the image's alpha", Assert.Throws<ControlNetException>(() => ImageCodec.Save(At("a.jpg"), image)).Message, StringComparison.Ordinal);
        Assert.Contains("only PNG", Assert.Throws<ControlNetException>(() => ImageCodec.Save(At("a.webp"), image, text)).Message, StringComparison.Ordinal);
        Assert.Contains("folder does not exist", Assert.Throws<ControlNetException>(() => ImageCodec.SavePng(At("no/a.png"), image)).Message, StringComparison.Ordinal);
        Directory.CreateDirectory(At("folder.png"));
        Assert.Contains("cannot be written", Assert.Throws<ControlNetException>(() => ImageCodec.SavePng(At("folder.png"), image)).Message, StringComparison.Ordinal);
        Assert.Equal([At("folder.png")], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Says_why_an_image_cannot_be_loaded()
    {
        Assert.Contains("no such file", Assert.Throws<ControlNetException>(() => ImageCodec.Load(At("none.png"))).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be read", Assert.Throws<ControlNetException>(() => ImageCodec.Load(_folder)).Message, StringComparison.Ordinal);
        ImageCodec.SavePng(At("a.png"), new ImageBuffer(20, 10, 3));
        Assert.Contains("20x10", Assert.Throws<ControlNetException>(() => ImageCodec.Load(At("a.png"), new() { MaxPixels = 199 })).Message, StringComparison.Ordinal);
        Assert.Contains("bytes", Assert.Throws<ControlNetException>(() => ImageCodec.Load(At("a.png"), new() { MaxBytes = 50 })).Message, StringComparison.Ordinal);
        Assert.Throws<ControlNetException>(() => ImageCodec.Load(At("a.png"), new() { MaxPixels = 0 }));
        Assert.Equal(20, ImageCodec.Load(At("a.png"), new() { MaxPixels = 200 }).Width);
    }

    [Fact]
    public void Any_cut_of_a_png_is_refused()
    {
        var file = ImageCodec.EncodePng(ImageSamples.Noise(9, 7, 3));
        for (var length = 0; length < file.Length; length++)
            Assert.Throws<ControlNetException>(() => ImageCodec.Decode(file.AsSpan(0, length), "cut"));
    }

    // Grey levels, and with them the rule that 16 bits become 8 by their upper byte.
    [Theory]
    [InlineData(1, 0, new byte[] { 0b0101_0000 }, 1, new byte[] { 0, 255, 0, 255 })]
    [InlineData(2, 0, new byte[] { 0b00_01_10_11 }, 1, new byte[] { 0, 85, 170, 255 })]
    [InlineData(16, 0, new byte[] { 0x12, 0xff, 0x80, 0x00, 0xff, 0xff, 0, 0xff }, 1, new byte[] { 0x12, 0x80, 0xff, 0 })]
    [InlineData(8, 4, new byte[] { 10, 255, 20, 0, 30, 128, 40, 1 }, 4, new byte[] { 10, 10, 10, 255, 20, 20, 20, 0, 30, 30, 30, 128, 40, 40, 40, 1 })]
    public void Grey_png_of_any_depth(byte depth, byte type, byte[] row, int channels, byte[] expected)
    {
        var image = ImageCodec.Decode(PngWriter.File(4, 1, depth, type, row), "memory");
        Assert.Equal((4, 1, channels), (image.Width, image.Height, image.Channels));
        Assert.Equal(expected, image.Samples);
    }

    [Fact]
    public void Sixteen_bit_color_keeps_its_upper_bytes()
    {
        byte[] row = [1, 255, 128, 0, 254, 255, 0, 200, 7, 7, 99, 150];
        Assert.Equal([1, 128, 254, 0, 7, 99], ImageCodec.Decode(PngWriter.File(2, 1, 16, 2, row), "memory").Samples);
        Assert.Equal([1, 128, 254, 0], ImageCodec.Decode(PngWriter.File(1, 1, 16, 6, row[..8]), "memory").Samples);
    }

    [Fact]
    public void Palettes_are_resolved_with_and_without_alpha()
    {
        byte[] palette = [255, 0, 0, 0, 255, 0, 1, 2, 3];
        var plain = ImageCodec.Decode(PngWriter.File(3, 1, 8, 3, [2, 0, 1], ("PLTE", palette)), "memory");
        Assert.Equal(3, plain.Channels);
        Assert.Equal([1, 2, 3, 255, 0, 0, 0, 255, 0], plain.Samples);
        var alpha = ImageCodec.Decode(PngWriter.File(3, 1, 8, 3, [2, 0, 1], ("PLTE", palette), ("tRNS", [9])), "memory");
        Assert.Equal([1, 2, 3, 255, 255, 0, 0, 9, 0, 255, 0, 255], alpha.Samples);
    }

    [Fact]
    public void Color_profiles_and_gamma_leave_the_levels_alone()
    {
        byte[] row = [10, 100, 200, 30, 60, 90];
        Assert.Equal(row, ImageCodec.Decode(PngWriter.File(2, 1, 8, 2, row, ("gAMA", [0, 1, 0x86, 0xa0])), "memory").Samples);
    }

    [Theory]
    [InlineData(1, "abcdef", 3)]
    [InlineData(2, "cbafed", 3)]
    [InlineData(3, "fedcba", 3)]
    [InlineData(4, "defabc", 3)]
    [InlineData(5, "adbecf", 2)]
    [InlineData(6, "daebfc", 2)]
    [InlineData(7, "fcebda", 2)]
    [InlineData(8, "cfbead", 2)]
    public void Exif_orientation_is_applied(byte orientation, string expected, int width)
    {
        // Three columns and two rows, abc over def; TIFF directory with the one tag 0x0112.
        byte[] exif = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0];
        var image = ImageCodec.Decode(PngWriter.File(3, 2, 8, 0, "abc"u8.ToArray(), "def"u8.ToArray(), ("eXIf", exif)), "memory");
        Assert.Equal(width, image.Width);
        Assert.Equal(expected, string.Concat(image.Samples.Select(sample => (char)sample)));
    }

    [Fact]
    public void Exif_orientation_of_jpeg_is_applied()
    {
        var image = new ImageBuffer(32, 16, 3);
        for (var y = 0; y < 16; y++)
            image.Row(y)[..48].Fill(255);
        ImageCodec.Save(At("a.jpg"), image);
        var plain = File.ReadAllBytes(At("a.jpg"));
        byte[] exif = [0xff, 0xe1, 0, 34, .. "Exif\0\0"u8, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
        var turned = ImageCodec.Decode([.. plain[..2], .. exif, .. plain[2..]], "memory");
        Assert.Equal((16, 32), (turned.Width, turned.Height));
        Assert.True(turned.Row(4)[0] > 240 && turned.Row(28)[0] < 15);
    }

    [Fact]
    public void Exif_orientation_of_webp_is_applied()
    {
        var image = ImageSamples.Noise(4, 2, 3);
        ImageCodec.Save(At("a.webp"), image);
        byte[] extended = [.. "VP8X"u8, 10, 0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 1, 0, 0];
        byte[] exif = [.. "EXIF"u8, 26, 0, 0, 0, .. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0];
        byte[] body = [.. "WEBP"u8, .. extended, .. File.ReadAllBytes(At("a.webp"))[12..], .. exif];
        var turned = ImageCodec.Decode([.. "RIFF"u8, .. BitConverter.GetBytes(body.Length), .. body], "memory");
        Assert.Equal((2, 4), (turned.Width, turned.Height));
        Assert.Equal(image.Row(1)[..3].ToArray(), turned.Samples[..3]);
    }

    [Theory]
    [InlineData(".png")]
    [InlineData(".jpg")]
    [InlineData(".webp")]
    public void A_damaged_file_is_decoded_or_refused_and_nothing_else(string extension)
    {
        ImageCodec.Save(At("a" + extension), ImageSamples.Noise(12, 9, 3));
        var file = File.ReadAllBytes(At("a" + extension));
        var random = new Random(1);
        for (var i = 0; i < 500; i++)
        {
            var damaged = (byte[])file.Clone();
            for (var k = random.Next(1, 4); k > 0; k--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            if (Record.Exception(() => ImageCodec.Decode(damaged, "damaged")) is { } failure)
                Assert.StartsWith("damaged", Assert.IsType<ControlNetException>(failure).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Of_a_gif_the_first_frame_is_taken()
    {
        // Two pixels of black and white, as the smallest GIF holds them.
        byte[] gif = [.. "GIF89a"u8, 2, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2c, 0, 0, 0, 0, 2, 0, 1, 0, 0, 2, 2, 0x44, 0x0a, 0, 0x3b];
        var image = ImageCodec.Decode(gif, "memory");
        Assert.Equal((2, 1, 3), (image.Width, image.Height, image.Channels));
        Assert.Equal([0, 0, 0, 255, 255, 255], image.Samples);
    }

    private string At(string name) => Path.Combine(_folder, name);

    // FsCheck makes half surrogate pairs and zeros, which no PNG text can hold.
    private static string Valid(string? text) => (text ?? "").EnumerateRunes().Where(rune => rune.Value != 0).Aggregate("", (all, rune) => all + rune);
}
