using System.Buffers.Binary;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using SkiaSharp;

namespace ControlNet.ML.Tests.Imaging;

/// <summary>A file of some bytes does not cost the memory of an image that it cannot hold; the emptiest images are read.</summary>
public class ImageCapacityTests
{
    private const int Side = 3000;

    [Theory]
    [InlineData(8, 0), InlineData(8, 2), InlineData(16, 6), InlineData(16, 0), InlineData(1, 0)]
    public void A_png_that_claims_more_than_its_bytes_can_hold_is_refused_before_anything_is_allocated(byte depth, byte type) =>
        IsRefused(PngWriter.File(9990, 9990, depth, type, [0, 0]));

    [Fact]
    public void So_is_one_of_16_bits_that_is_read_as_depths()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("depth.png", PngWriter.File(9990, 9990, 16, 0, [0, 0]));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("9990x9990 pixels, more than", Assert.Throws<ControlNetException>(() => DepthFile.Read(path)).Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void So_are_jpeg_lossy_webp_and_bmp()
    {
        var jpeg = Encoded(SKEncodedImageFormat.Jpeg, 16, 50);
        var frame = jpeg.AsSpan().IndexOf([(byte)0xff, (byte)0xc0]);
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 5), 9990);
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 7), 9990);
        IsRefused(jpeg);

        var webp = Encoded(SKEncodedImageFormat.Webp, 16, 50);
        var start = webp.AsSpan().IndexOf([(byte)0x9d, (byte)0x01, (byte)0x2a]);
        BinaryPrimitives.WriteUInt16LittleEndian(webp.AsSpan(start + 3), 9990);
        BinaryPrimitives.WriteUInt16LittleEndian(webp.AsSpan(start + 5), 9990);
        IsRefused(webp);

        IsRefused(Bmp(9990, 9990, new byte[64]));
    }

    [Fact]
    public void A_gif_that_claims_a_canvas_no_one_draws_on_is_refused()
    {
        byte[] gif = [.. "GIF89a"u8, 0x06, 0x27, 0x06, 0x27, 0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3b];
        IsRefused(gif);
        BinaryPrimitives.WriteUInt16LittleEndian(gif.AsSpan(6), 20);
        BinaryPrimitives.WriteUInt16LittleEndian(gif.AsSpan(8), 10);
        Assert.Equal((20, 10), (ImageCodec.Decode(gif, "x.gif").Width, ImageCodec.Decode(gif, "x.gif").Height));
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Jpeg, 1), InlineData(SKEncodedImageFormat.Webp, 1), InlineData(SKEncodedImageFormat.Webp, 100), InlineData(SKEncodedImageFormat.Png, 100)]
    public void The_emptiest_image_is_read(SKEncodedImageFormat format, int quality)
    {
        var file = Encoded(format, Side, quality);
        Assert.Equal(Side, ImageCodec.Decode(file, "x").Width);
    }

    [Fact]
    public void So_is_one_of_a_single_bit_a_pixel()
    {
        // The writer adds the first line's filter.
        var file = PngWriter.File(Side, Side, 1, 0, new byte[(Side * (1 + (Side / 8))) - 1]);
        Assert.Equal(Side, ImageCodec.Decode(file, "x").Height);
        Assert.Equal(1000, ImageCodec.Decode(Bmp(1000, 1100, new byte[1000 * 1100 * 3]), "x").Width);
    }

    private static void IsRefused(byte[] file)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("is not an image: its header claims 9990x9990 pixels, more than", Assert.Throws<ControlNetException>(() => ImageCodec.Decode(file, "x")).Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    private static byte[] Encoded(SKEncodedImageFormat format, int side, int quality)
    {
        using var bitmap = new SKBitmap(side, side, SKColorType.Rgba8888, SKAlphaType.Opaque);
        bitmap.Erase(SKColors.Black);
        using var data = bitmap.Encode(format, quality);
        return data.ToArray();
    }

    private static byte[] Bmp(int width, int height, byte[] pixels)
    {
        var header = new byte[54];
        "BM"u8.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(2), 54 + pixels.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(10), 54);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(22), height);
        BinaryPrimitives.WriteInt16LittleEndian(header.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(header.AsSpan(28), 24);
        return [.. header, .. pixels];
    }
}
