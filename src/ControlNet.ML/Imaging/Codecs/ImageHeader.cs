using SkiaSharp;

namespace ControlNet.ML.Imaging;

/// <summary>Reads the header of an image file without decoding the image.</summary>
public static class ImageHeader
{
    /// <summary>Reads the size that a file's header claims, before the Exif orientation is applied.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <returns>Width and height in pixels.</returns>
    /// <exception cref="ControlNetException">
    /// The file cannot be read, is not an image that <see cref="ImageCodec"/> reads, or is too large. Damage after the header is not
    /// detected.
    /// </exception>
    public static (int Width, int Height) Read(string path, ImageLoadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new ImageLoadOptions();
        options.Check();
        try
        {
            using var stream = RegularFile.Open(path, path);
            ImageCodec.CheckBytes(path, stream.Length, options.MaxBytes);
            if (stream.Length == 0)
                throw ImageCodec.NoImage(path, "the file is empty");
            var start = new byte[ForeignFile.StartLength];
            var count = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            stream.Position = 0;
            using var codec = ImageCodec.Open(SKCodec.Create(stream), path, options.MaxPixels, start.AsSpan(0, count));
            return (codec.Info.Width, codec.Info.Height);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw ImageCodec.Unreadable(path, e);
        }
    }
}
