using System.Buffers.Binary;
using System.Globalization;
using SkiaSharp;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Checks that a file can hold the pixels that its header claims, by the maximum compression of its format: a small file does
/// not cost the memory of an image that it cannot contain. Lossless WebP has no such bound, since a single color takes no bits.
/// </summary>
internal static class ImageCapacity
{
    /// <summary>Images with fewer pixels are not checked.</summary>
    private const long Few = 1 << 20;

    /// <summary>Deflate: 258 bytes in two bits.</summary>
    private const long PngBytes = 1032;

    /// <summary>A block of 8x8 pixels takes at least one bit.</summary>
    private const long JpegPixels = 8 * 64;

    /// <summary>A macroblock of 16x16 pixels takes at least two bits: its modes have fixed probabilities (RFC 6386, 11.2).</summary>
    private const long WebpPixels = 4 * 256;

    /// <summary>
    /// A code of at least 9 bits repeats a string from the table of 4,096. The canvas outside a frame takes no bits, but is hardly ever 16
    /// million pixels.
    /// </summary>
    private const long GifPixels = 4096;
    private const long LargeCanvas = 1 << 24;

    /// <summary>Run lengths: 255 pixels in two bytes.</summary>
    private const long BmpPixels = 128;

    /// <summary>Checks a PNG file.</summary>
    /// <param name="source">The file's name, for errors.</param>
    /// <param name="header">The 13 bytes of its IHDR, whose size has been checked.</param>
    /// <param name="packed">Minimum number of bytes of its compressed data.</param>
    /// <exception cref="ControlNetException">The file cannot hold the pixels.</exception>
    public static void CheckPng(string source, ReadOnlySpan<byte> header, long packed)
    {
        var (width, height) = (BinaryPrimitives.ReadInt32BigEndian(header), BinaryPrimitives.ReadInt32BigEndian(header[4..]));
        var samples = header[9] switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        Require(source, width, height, (long)width * height * header[8] * samples / 8 <= packed * PngBytes, packed);
    }

    /// <summary>Checks a file of another format.</summary>
    /// <param name="source">The file's name, for errors.</param>
    /// <param name="format">Its format.</param>
    /// <param name="file">The whole file.</param>
    /// <param name="width">Columns that its header claims.</param>
    /// <param name="height">Rows that its header claims.</param>
    /// <exception cref="ControlNetException">The file cannot hold the pixels.</exception>
    public static void Check(string source, SKEncodedImageFormat format, ReadOnlySpan<byte> file, int width, int height)
    {
        var pixels = (long)width * height;
        var fits = format switch
        {
            SKEncodedImageFormat.Jpeg => pixels <= file.Length * JpegPixels,
            SKEncodedImageFormat.Webp => !IsLossy(file) || pixels <= file.Length * WebpPixels,
            SKEncodedImageFormat.Gif => pixels <= LargeCanvas || pixels <= file.Length * GifPixels,
            SKEncodedImageFormat.Bmp => pixels * BmpBits(file) / 8 <= file.Length,
            _ => true,
        };
        Require(source, width, height, fits, file.Length);
    }

    private static void Require(string source, int width, int height, bool fits, long bytes)
    {
        if (!fits && (long)width * height > Few)
            throw ImageCodec.NoImage(
                source,
                string.Create(
                    CultureInfo.InvariantCulture, $"its header claims {width}x{height} pixels, more than {bytes:N0} bytes can hold"));
    }

    /// <summary>Whether the only image in a WebP file is a lossy one.</summary>
    private static bool IsLossy(ReadOnlySpan<byte> file)
    {
        for (var place = 12L; place + 8 <= file.Length;)
        {
            var chunk = file[(int)place..];
            if (chunk.StartsWith("VP8 "u8))
                return true;
            if (chunk.StartsWith("VP8L"u8) || chunk.StartsWith("ANIM"u8))
                return false;
            var length = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            place += 8L + length + (length & 1);
        }

        return false;
    }

    /// <summary>The minimum number of bits of a pixel.</summary>
    private static double BmpBits(ReadOnlySpan<byte> file)
    {
        if (file.Length < 34)
            return 0;
        var old = BinaryPrimitives.ReadInt32LittleEndian(file[14..]) == 12;
        var bits = BinaryPrimitives.ReadUInt16LittleEndian(file[(old ? 24 : 28)..]);
        var packing = old ? 0 : BinaryPrimitives.ReadInt32LittleEndian(file[30..]);
        return packing is 0 or 3 or 6 ? bits : 8.0 / BmpPixels;
    }
}
