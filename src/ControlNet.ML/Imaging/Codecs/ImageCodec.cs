using System.Globalization;
using SkiaSharp;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Reads PNG, JPEG, WebP, BMP and GIF (first frame); the contents determine the format, not the name. The size in the header, and whether
/// the file can hold that many pixels, are checked before pixels are allocated; damaged or cut-off files are refused. Grey without alpha
/// has one channel, color three, anything with alpha four (not premultiplied); palettes are resolved, 16 bits are reduced to 8 (for PNG,
/// <see cref="ImageBuffer.Deep"/> has all 16), the Exif orientation is applied, color profiles are not. CMYK is converted to RGB.
/// </summary>
public static class ImageCodec
{
    /// <summary>Reads an image file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <returns>The image: one channel for grey, three for color, four with alpha.</returns>
    /// <exception cref="ControlNetException">The file cannot be read, is not an image, is damaged or too large.</exception>
    public static ImageBuffer Load(string path, ImageLoadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new ImageLoadOptions();
        options.Check();
        return Decode(ReadFile(path, options.MaxBytes), path, options);
    }

    /// <summary>Decodes an image file from a stream.</summary>
    /// <param name="stream">The file, from its current position to its end.</param>
    /// <param name="source">The file's name, for errors.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <returns>The image: one channel for grey, three for color, four with alpha.</returns>
    /// <exception cref="ControlNetException">The file is not an image, is damaged or too large.</exception>
    public static ImageBuffer Decode(Stream stream, string source, ImageLoadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        options ??= new ImageLoadOptions();
        options.Check();
        return Decode(ReadToEnd(stream, source, options.MaxBytes), source, options);
    }

    /// <summary>Decodes an image file in memory.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="source">The file's name, for errors.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <returns>The image: one channel for grey, three for color, four with alpha.</returns>
    /// <exception cref="ControlNetException">The file is not an image, is damaged or too large.</exception>
    public static ImageBuffer Decode(ReadOnlySpan<byte> file, string source, ImageLoadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        options ??= new ImageLoadOptions();
        options.Check();
        if (file.IsEmpty)
            throw NoImage(source, "the file is empty");

        if (!file.StartsWith(PngChunks.Signature))
            return Decode(file, source, options, orientation: null);
        var (pixels, orientation) = PngInput.Read(file, source, options.MaxPixels);
        var image = Decode(pixels, source, options, orientation);
        return Png16.Is(pixels) ? image.With(ImageOrientation.Upright(Png16.Read(pixels, source), orientation)) : image;
    }

    /// <summary>Writes an image in the format of the name's extension: .png, .jpg, .jpeg or .webp (lossless).</summary>
    /// <param name="path">The file; its folder must exist. It is written atomically.</param>
    /// <param name="image">The image; without alpha for JPEG.</param>
    /// <param name="text">Texts by keyword, only for PNG.</param>
    /// <exception cref="ControlNetException">
    /// The extension is another, the format does not support alpha or texts, or the file cannot be written.
    /// </exception>
    public static void Save(string path, ImageBuffer image, IReadOnlyDictionary<string, string>? text = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(image);
        var bytes = Encode(image, FormatOf(path), text, path);
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    /// <summary>Writes an image to a stream, at its current position.</summary>
    /// <param name="stream">The stream; stays open.</param>
    /// <param name="image">The image; without alpha for JPEG.</param>
    /// <param name="format">The format.</param>
    /// <param name="text">Texts by keyword, only for PNG, such as <see cref="GeneratedImage.Provenance"/>.</param>
    /// <exception cref="ControlNetException">The format does not support alpha or texts; nothing is written.</exception>
    public static void Save(
        Stream stream, ImageBuffer image, ImageFormat format = ImageFormat.Png, IReadOnlyDictionary<string, string>? text = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(image);
        stream.Write(Encode(image, format, text, "The image"));
    }

    /// <summary>Writes an image as PNG. The same image and texts give the same bytes.</summary>
    /// <param name="path">The file, with any name; its folder must exist. It is written atomically.</param>
    /// <param name="image">The image.</param>
    /// <param name="text">Texts by keyword (<see cref="PngText"/> reads them).</param>
    /// <exception cref="ControlNetException">The file cannot be written.</exception>
    public static void SavePng(string path, ImageBuffer image, IReadOnlyDictionary<string, string>? text = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var bytes = EncodePng(image, text);
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    /// <summary>Encodes an image as a PNG file in memory.</summary>
    /// <param name="image">The image.</param>
    /// <param name="text">Texts by keyword.</param>
    /// <returns>The whole file.</returns>
    public static byte[] EncodePng(ImageBuffer image, IReadOnlyDictionary<string, string>? text = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        return ImageEncoder.Png(image, text ?? new Dictionary<string, string>());
    }

    private static ImageFormat FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".PNG" => ImageFormat.Png,
        ".JPG" or ".JPEG" => ImageFormat.Jpeg,
        ".WEBP" => ImageFormat.WebP,
        _ => throw new ControlNetException(
            $"{path}: the extension is '{Path.GetExtension(path)}', expected .png, .jpg, .jpeg or .webp."),
    };

    private static byte[] Encode(ImageBuffer image, ImageFormat format, IReadOnlyDictionary<string, string>? text, string target)
    {
        if (format == ImageFormat.Png)
            return EncodePng(image, text);
        if (!Enum.IsDefined(format))
            throw new ArgumentOutOfRangeException(nameof(format), format, "Unknown image format.");
        if (text is { Count: > 0 })
            throw new ControlNetException($"{target}: only PNG supports texts.");
        if (format == ImageFormat.Jpeg && image.Channels == 4)
            throw new ControlNetException($"{target}: JPEG does not support the image's alpha: save it as .png or .webp.");
        return ImageEncoder.Encode(image, format == ImageFormat.WebP ? SKEncodedImageFormat.Webp : SKEncodedImageFormat.Jpeg);
    }

    /// <summary>The error for a file that is not an image.</summary>
    internal static ControlNetException NoImage(string source, string why) => new($"{source} is not an image: {why}.");

    /// <summary>Throws if the size that a header claims exceeds the limit.</summary>
    internal static void CheckSize(string source, int width, int height, long maxPixels)
    {
        if (width < 1 || height < 1)
            throw NoImage(source, string.Create(CultureInfo.InvariantCulture, $"its header claims {width}x{height} pixels"));
        if ((long)width * height > maxPixels)
            throw new ControlNetException(string.Create(
                CultureInfo.InvariantCulture,
                $"{source}: the image has {width}x{height} pixels, more than the {maxPixels:N0} allowed "
                    + $"({nameof(ImageLoadOptions)}.{nameof(ImageLoadOptions.MaxPixels)})."));
    }

    /// <summary>Reads a file's bytes, up to the limit.</summary>
    internal static byte[] ReadFile(string path, int maxBytes)
    {
        using var stream = RegularFile.Open(path, path, bufferSize: 1);
        try
        {
            CheckBytes(path, stream.Length, maxBytes);
            return ReadToEnd(stream, path, maxBytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Unreadable(path, e);
        }
    }

    internal static ControlNetException Unreadable(string path, Exception e) => new($"{path}: cannot be read: {e.Message}", e);

    /// <summary>Throws if a file has more bytes than the limit.</summary>
    internal static void CheckBytes(string source, long length, int maxBytes)
    {
        if (length > maxBytes)
            throw new ControlNetException(string.Create(
                CultureInfo.InvariantCulture,
                $"{source}: the file has more than the {maxBytes:N0} bytes allowed "
                    + $"({nameof(ImageLoadOptions)}.{nameof(ImageLoadOptions.MaxBytes)})."));
    }

    /// <summary>Checks that a codec is for a supported format and an allowed size.</summary>
    /// <param name="codec">The codec; null if Skia knows none for the file.</param>
    /// <param name="source">The file's name, for errors.</param>
    /// <param name="maxPixels">The maximum number of pixels.</param>
    /// <param name="file">The file, or at least its first bytes, which tell what it is instead.</param>
    internal static SKCodec Open(SKCodec? codec, string source, long maxPixels, ReadOnlySpan<byte> file)
    {
        try
        {
            if (codec is null)
            {
                var kind = ForeignFile.RecogniseForImage(file[..Math.Min(file.Length, ForeignFile.StartLength)]);
                throw NoImage(
                    source,
                    kind is not null
                        ? $"it {kind}"
                        : "expected PNG, JPEG, WebP, BMP or GIF; it has another format, or its header is damaged or cut off");
            }

            if (codec.EncodedFormat is not (SKEncodedImageFormat.Png or SKEncodedImageFormat.Jpeg or SKEncodedImageFormat.Webp
                or SKEncodedImageFormat.Bmp or SKEncodedImageFormat.Gif))
                throw NoImage(source, $"it is {codec.EncodedFormat}, expected PNG, JPEG, WebP, BMP or GIF");
            CheckSize(source, codec.Info.Width, codec.Info.Height, maxPixels);
            return codec;
        }
        catch
        {
            codec?.Dispose();
            throw;
        }
    }

    private static byte[] ReadToEnd(Stream stream, string source, int maxBytes)
    {
        using var bytes = new MemoryStream();
        var block = new byte[81920];
        for (int count; (count = stream.Read(block)) > 0;)
        {
            CheckBytes(source, bytes.Length + count, maxBytes);
            bytes.Write(block, 0, count);
        }

        return bytes.ToArray();
    }

    private static ImageBuffer Decode(ReadOnlySpan<byte> file, string source, ImageLoadOptions options, int? orientation)
    {
        using var data = SKData.CreateCopy(file);
        using var stream = new SKMemoryStream(data);
        using var codec = Open(SKCodec.Create(stream), source, options.MaxPixels, file);
        ImageCapacity.Check(source, codec.EncodedFormat, file, codec.Info.Width, codec.Info.Height);
        return ImageOrientation.Upright(Pixels(codec, source), orientation ?? (int)codec.EncodedOrigin);
    }

    private static unsafe ImageBuffer Pixels(SKCodec codec, string source)
    {
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        var opaque = codec.Info.AlphaType == SKAlphaType.Opaque;
        var grey = opaque && codec.Info.ColorType == SKColorType.Gray8;

        // Without a color space Skia does not convert the levels.
        var info = new SKImageInfo(
            width, height, grey ? SKColorType.Gray8 : SKColorType.Rgba8888, opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul, null);
        var decoded = new ImageBuffer(width, height, grey ? 1 : 4);
        SKCodecResult result;
        fixed (byte* samples = decoded.Samples)
            result = codec.GetPixels(info, (nint)samples);
        if (result != SKCodecResult.Success)
        {
            throw NoImage(source, result == SKCodecResult.IncompleteInput
                ? "the file is cut off or damaged within the pixels"
                : $"its pixels cannot be decoded ({result})");
        }

        // GIF and BMP may declare alpha without having transparent pixels.
        var claimsOnly = codec.EncodedFormat is SKEncodedImageFormat.Gif or SKEncodedImageFormat.Bmp && decoded.IsOpaque;
        return grey || (!opaque && !claimsOnly) ? decoded : Color.Rgb(decoded);
    }
}
