using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using SkiaSharp;

namespace ControlNet.ML.Fuzz.Targets;

/// <summary>Images and maps.</summary>
internal static class ImageTargets
{
    private static readonly ImageLoadOptions Limits = new() { MaxPixels = 4_000_000 };

    /// <summary>The readers.</summary>
    public static IEnumerable<Reader> All(Workplace folder)
    {
        byte[][] png =
        [
            Input("tiny.png"), Input("pixel.png"), Input("emoji_a_rgba.png"), Input("labels_ade.png"), Input("photo_gray.png"),
            ImageCodec.EncodePng(new ImageBuffer(9, 7, 3), new Dictionary<string, string> { ["prompt"] = "a \u6f22", ["seed"] = "1" }),
        ];
        yield return new Reader("png", png, Decode) { Repair = WithChecksums, Words = ["IHDR", "IDAT", "IEND", "PLTE", "tRNS", "eXIf", "iTXt", "acTL", "fcTL"] };
        yield return new Reader("png-text", png, input => PngText.Read(input, "x.png")) { Repair = WithChecksums, Words = ["tEXt", "iTXt", "zTXt"] };
        yield return new Reader("png-16", [Grey16()], input => DepthFile.Read(folder.Write("d.png", input), Limits)) { Repair = WithChecksums };
        yield return new Reader("jpeg", [Encoded(SKEncodedImageFormat.Jpeg, 90), Encoded(SKEncodedImageFormat.Jpeg, 5)], Decode) { Words = ["\u00ff\u00d8", "Exif\0\0II*\0", "Exif\0\0MM\0*"] };
        yield return new Reader("webp", [Encoded(SKEncodedImageFormat.Webp, 100), Encoded(SKEncodedImageFormat.Webp, 30)], Decode) { Words = ["VP8 ", "VP8L", "VP8X", "ANIM", "ANMF", "ALPH", "EXIF", "RIFF"] };
        yield return new Reader("gif", [Gif()], Decode) { Words = ["GIF87a", "GIF89a", "NETSCAPE2.0"] };
        yield return new Reader("bmp", [Bmp(24, 0), Bmp(8, 1), Bmp(32, 3)], Decode);
        yield return new Reader("image-header", [.. png, Encoded(SKEncodedImageFormat.Jpeg, 90), Gif()], input => ImageHeader.Read(folder.Write("i.png", input), Limits));

        byte[][] arrays = [Npy("<f4", 4, "(3, 2)"), Npy(">i2", 2, "(1, 3, 2, 1)"), Npy("|u1", 1, "(6,)")];
        yield return new Reader("npy", arrays, input => NumpyMap.Read(input, "x.npy", Limits.MaxPixels)) { Words = ["'shape': (", "'descr': '", "'fortran_order': True", "<f8", "|O", "99999999999", ", "] };
    }

    private static void Decode(byte[] input) => ImageCodec.Decode(input, "x", Limits);

    private static byte[] Input(string name) => Workplace.Fixture("conditions", "inputs", name);

    /// <summary>Makes the checksums of a PNG's chunks right as far as its lengths are.</summary>
    private static byte[] WithChecksums(byte[] input)
    {
        using var file = new MemoryStream();
        file.Write(input.AsSpan(0, Math.Min(input.Length, PngChunks.Signature.Length)));
        var place = PngChunks.Signature.Length;
        while (PngChunks.Next(input, ref place, out var chunk))
            PngChunks.Write(file, Encoding.Latin1.GetString(chunk.Type), chunk.Data);
        return file.ToArray();
    }

    private static byte[] Encoded(SKEncodedImageFormat format, int quality)
    {
        using var bitmap = new SKBitmap(24, 17, SKColorType.Rgba8888, format == SKEncodedImageFormat.Webp && quality == 100 ? SKAlphaType.Unpremul : SKAlphaType.Opaque);
        for (var i = 0; i < bitmap.Width * bitmap.Height; i++)
            bitmap.SetPixel(i % bitmap.Width, i / bitmap.Width, new SKColor((byte)(i * 7), (byte)(i * 3), (byte)i, (byte)(255 - (i % 5))));
        using var data = bitmap.Encode(format, quality);
        return data.ToArray();
    }

    private static byte[] Grey16()
    {
        using var file = new MemoryStream();
        file.Write(PngChunks.Signature);
        PngChunks.Write(file, "IHDR", [0, 0, 0, 5, 0, 0, 0, 4, 16, 0, 0, 0, 0]);
        using var packed = new MemoryStream();
        using (var deflate = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            deflate.Write([.. Enumerable.Range(0, 44).Select(i => (byte)(i % 11 == 0 ? i / 11 : i * 5))]);
        PngChunks.Write(file, "IDAT", packed.ToArray());
        PngChunks.Write(file, "IEND", []);
        return file.ToArray();
    }

    private static byte[] Gif() => [.. "GIF89a"u8, 10, 0, 10, 0, 0x91, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 255, 0, 0, 0, 0x21, 0xf9, 4, 0, 0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 10, 0, 10, 0, 0, 2, 22, 0x8c, 0x2d, 0x99, 0x87, 0x2a, 0x1c, 0xdc, 0x33, 0xa0, 2, 0x75, 0xec, 0x95, 0xfa, 0xa8, 0xde, 0x60, 0x8c, 4, 0x91, 0x4c, 1, 0, 0x3b];

    private static byte[] Bmp(int bits, int packing)
    {
        const int width = 5, height = 3;
        byte[] pixels = packing == 1 ? [3, 1, 2, 2, 0, 0, 5, 3, 0, 0, 0, 3, 1, 2, 3, 0, 0, 1] : new byte[((width * bits / 8) + 3) / 4 * 4 * height];
        byte[] colors = bits == 8 ? new byte[1024] : packing == 3 ? [0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0] : [];
        var header = new byte[54];
        "BM"u8.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(2), 54 + colors.Length + pixels.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(10), 54 + colors.Length);
        header[14] = 40;
        header[18] = width;
        header[22] = height;
        header[26] = 1;
        header[28] = (byte)bits;
        header[30] = (byte)packing;
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(34), pixels.Length);
        return [.. header, .. colors, .. pixels];
    }

    private static byte[] Npy(string type, int size, string shape)
    {
        var header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': {shape}, }}".PadRight(117) + "\n";
        return [0x93, .. "NUMPY"u8, 1, 0, 118, 0, .. Encoding.ASCII.GetBytes(header), .. Enumerable.Range(0, 6 * size).Select(i => (byte)i)];
    }
}
