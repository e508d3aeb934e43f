using SkiaSharp;

namespace ControlNet.ML.Imaging;

/// <summary>Encodes with Skia, which does not write texts: these are inserted after the PNG header.</summary>
internal static class ImageEncoder
{
    private const int JpegQuality = 95;

    public static byte[] Png(ImageBuffer image, IReadOnlyDictionary<string, string> text)
    {
        var plain = Encode(image, SKEncodedImageFormat.Png);
        if (text.Count == 0)
            return plain;
        var position = PngChunks.Signature.Length;
        PngChunks.Next(plain, ref position, out _);
        using var stream = new MemoryStream();
        stream.Write(plain, 0, position);
        PngText.Write(stream, text);
        stream.Write(plain, position, plain.Length - position);
        return stream.ToArray();
    }

    public static unsafe byte[] Encode(ImageBuffer image, SKEncodedImageFormat format)
    {
        // Skia has no three-channel pixels: an opaque fourth channel is added, which is not written.
        var samples = image.Channels == 3 ? WithOpaqueAlpha(image) : image.Samples;
        var info = new SKImageInfo(
            image.Width,
            image.Height,
            image.Channels == 1 ? SKColorType.Gray8 : SKColorType.Rgba8888,
            image.Channels == 4 ? SKAlphaType.Unpremul : SKAlphaType.Opaque,
            null);
        fixed (byte* pointer = samples)
        {
            using var pixels = new SKPixmap(info, (nint)pointer);
            using var data = format switch
            {
                SKEncodedImageFormat.Png => pixels.Encode(new SKPngEncoderOptions(SKPngEncoderFilterFlags.AllFilters, 6)),
                SKEncodedImageFormat.Jpeg =>
                    pixels.Encode(
                        new SKJpegEncoderOptions(JpegQuality, SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore)),
                _ => pixels.Encode(new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossless, 75)),
            };
            return data?.ToArray() ?? throw new ControlNetException($"An image of {image} cannot be encoded as {format}.");
        }
    }

    private static byte[] WithOpaqueAlpha(ImageBuffer image)
    {
        var samples = new byte[checked(image.Width * image.Height * 4)];
        for (int s = 0, t = 0; s < image.Samples.Length; s += 3, t += 4)
            (samples[t], samples[t + 1], samples[t + 2], samples[t + 3]) = (
                image.Samples[s], image.Samples[s + 1], image.Samples[s + 2], byte.MaxValue);
        return samples;
    }
}
