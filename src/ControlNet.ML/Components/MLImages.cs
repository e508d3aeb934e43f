using ControlNet.ML.Imaging;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Components;

/// <summary>
/// Converts between ML.NET's images and this library's. An <see cref="MLImage"/> has four bytes per pixel, BGRA or RGBA, the colors
/// premultiplied by alpha; an <see cref="ImageBuffer"/> has one, three or four channels, red first, the colors not premultiplied. Opaque
/// images convert exactly in both directions, and an MLImage survives the round trip through a buffer unchanged. A buffer with alpha loses
/// precision: its colors keep about as many levels as the alpha value, and none where alpha is 0.
/// </summary>
public static class MLImages
{
    /// <summary>Copies an image into a buffer.</summary>
    /// <param name="image">The image. Colors above their alpha, which are invalid, count as 255.</param>
    /// <returns>Three channels if the whole image is opaque, else four.</returns>
    /// <exception cref="InvalidOperationException">The image was disposed.</exception>
    public static ImageBuffer ToImageBuffer(this MLImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var pixels = image.Pixels;
        var (red, blue) = image.PixelFormat == MLPixelFormat.Rgba32 ? (0, 2) : (2, 0);
        var channels = ImageBuffer.AreOpaque(pixels) ? 3 : 4;
        var result = new ImageBuffer(image.Width, image.Height, channels);
        var samples = result.Samples;
        for (int s = 0, t = 0; s < pixels.Length; s += 4, t += channels)
        {
            var alpha = pixels[s + 3];
            samples[t] = Divide(pixels[s + red], alpha);
            samples[t + 1] = Divide(pixels[s + 1], alpha);
            samples[t + 2] = Divide(pixels[s + blue], alpha);
            if (channels == 4)
                samples[t + 3] = alpha;
        }

        return result;
    }

    /// <summary>Copies a buffer into an image.</summary>
    /// <param name="buffer">The buffer; grey becomes equal colors.</param>
    /// <returns>An image in BGRA order, as ML.NET loads them from files. The caller disposes it.</returns>
    public static MLImage ToMLImage(this ImageBuffer buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        var (samples, channels) = (buffer.Samples, buffer.Channels);
        var (green, blue) = channels == 1 ? (0, 0) : (1, 2);
        var pixels = new byte[checked(buffer.Width * buffer.Height * 4)];
        for (int s = 0, t = 0; t < pixels.Length; s += channels, t += 4)
        {
            var alpha = channels == 4 ? samples[s + 3] : byte.MaxValue;
            pixels[t] = Multiply(samples[s + blue], alpha);
            pixels[t + 1] = Multiply(samples[s + green], alpha);
            pixels[t + 2] = Multiply(samples[s], alpha);
            pixels[t + 3] = alpha;
        }

        return MLImage.CreateFromPixels(buffer.Width, buffer.Height, MLPixelFormat.Bgra32, pixels);
    }

    /// <summary>
    /// Lets ML.NET pass images of a column type, of any size or none, to a class with an <c>[ImageType(height, width)]</c> of another size.
    /// Without it, ML.NET says that images are "not yet supported".
    /// </summary>
    internal static void MakeReadable(ImageDataViewType type)
    {
        try
        {
            DataViewTypeManager.Register(
                type, typeof(MLImage), type.Height > 0 ? new ImageTypeAttribute(type.Height, type.Width) : new ImageTypeAttribute());
        }
        catch (ArgumentException)
        {
            // The program has already registered a type of its own.
        }
    }

    /// <summary>A copy with its own pixels.</summary>
    internal static MLImage Copy(MLImage image)
    {
        var copy = MLImage.CreateFromPixels(image.Width, image.Height, image.PixelFormat, image.Pixels);
        if (image.Tag is { } tag)
            copy.Tag = tag;
        return copy;
    }

    // Both round to nearest; the ties differ only where they do not matter.
    private static byte Divide(byte color, byte alpha) => alpha switch
    {
        byte.MaxValue => color,
        0 => 0,
        _ => (byte)Math.Min(byte.MaxValue, ((color * byte.MaxValue) + (alpha / 2)) / alpha),
    };

    private static byte Multiply(byte color, byte alpha) => (byte)(((color * alpha) + (byte.MaxValue / 2)) / byte.MaxValue);
}
