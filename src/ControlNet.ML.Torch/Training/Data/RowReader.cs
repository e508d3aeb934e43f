using System.Security.Cryptography;
using System.Text;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>Reads a row's image and condition, and scales, crops and flips both alike to the training size.</summary>
internal sealed class RowReader : IDisposable
{
    private readonly int _width;
    private readonly int _height;
    private readonly bool _flip;
    private readonly CropMode _crop;
    private readonly IPreprocessor? _preprocessor;
    private readonly Lock _gate = new();

    /// <param name="width">Output width in pixels.</param>
    /// <param name="height">Output height in pixels.</param>
    /// <param name="flip">Whether images are flipped with probability 0.5.</param>
    /// <param name="crop">Which part of an image with another aspect ratio is kept.</param>
    /// <param name="preprocessor">Makes the condition from the image, for tables without conditions; the reader takes ownership.</param>
    public RowReader(int width, int height, bool flip, CropMode crop, IPreprocessor? preprocessor) =>
        (_width, _height, _flip, _crop, _preprocessor) = (width, height, flip, crop, preprocessor);

    /// <summary>Reads a row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="draws">Crop position and flip; null for the centre, not flipped.</param>
    /// <exception cref="ControlNetException">An image cannot be read, or image and condition differ in size.</exception>
    public ReadRow Read(TrainingRow row, SampleDraws? draws)
    {
        try
        {
            var bytes = ReadFile(row.Image);
            var image = Color.OverWhite(ImageCodec.Decode(bytes, row.Image));
            var cut = Cut(image.Width, image.Height, draws);
            var mirrored = _flip && draws is { Flip: true };
            var key = SHA256.HashData(
                [.. SHA256.HashData(bytes), .. Encoding.ASCII.GetBytes(FormattableString.Invariant($"{cut}{mirrored}"))]);
            var fitted = Fit(image, cut, mirrored);
            return new ReadRow(row, key, fitted, Condition(row, image, fitted, cut, mirrored), image.Width, image.Height, cut);
        }
        catch (ControlNetException error)
        {
            throw new ControlNetException($"{row.Where}: {error.Message}", error);
        }
    }

    public void Dispose() => _preprocessor?.Dispose();

    private ImageBuffer Condition(TrainingRow row, ImageBuffer image, ImageBuffer fitted, Cut cut, bool mirrored)
    {
        if (row.Condition is not null)
        {
            var condition = Color.OverWhite(ImageCodec.Load(row.Condition));
            return condition.Width == image.Width && condition.Height == image.Height
                ? Fit(condition, cut, mirrored)
                : throw new ControlNetException(
                    $"the image is {image.Width}x{image.Height} and its condition {condition.Width}x{condition.Height}, expected the "
                        + $"same size.");
        }

        if (_preprocessor is null)
            throw new ControlNetException("has no condition, and there is no preprocessor to make one from the image.");

        // Learned preprocessors process one image at a time.
        lock (_gate)
            return _preprocessor.Apply(fitted);
    }

    /// <summary>Scales an image until it covers the training size, and positions the crop.</summary>
    private Cut Cut(int width, int height, SampleDraws? draws)
    {
        var scale = Math.Max((double)_width / width, (double)_height / height);
        var (across, down) = (Math.Max(_width, (int)Math.Round(width * scale)), Math.Max(_height, (int)Math.Round(height * scale)));
        var random = _crop == CropMode.Random && draws is not null;
        return new Cut(
            across, down,
            random ? (int)(draws!.Across * (across - _width + 1)) : (across - _width) / 2,
            random ? (int)(draws!.Down * (down - _height + 1)) : (down - _height) / 2);
    }

    private ImageBuffer Fit(ImageBuffer image, Cut cut, bool mirrored)
    {
        var scaled = image.Width == cut.ScaledWidth && image.Height == cut.ScaledHeight
            ? image
            : PillowResize.Apply(image, cut.ScaledWidth, cut.ScaledHeight, PillowFilter.Bilinear);
        var deep = image.Deep is { } values
            ? PillowFloatResize.Apply(values, cut.ScaledWidth, cut.ScaledHeight, PillowFilter.Bilinear)
            : null;
        if (!mirrored && scaled.Width == _width && scaled.Height == _height)
            return scaled.With(deep);
        var channels = scaled.Channels;
        var samples = new byte[_width * _height * channels];
        Take<byte>(scaled.Samples, scaled.Width, channels, cut, mirrored, samples);
        var result = new ImageBuffer(_width, _height, channels, samples);
        if (deep is null)
            return result;
        var part = new FloatMap(_width, _height);
        Take<float>(deep.Values, deep.Width, 1, cut, mirrored, part.Values);
        return result.With(part);
    }

    /// <summary>Copies the cropped part, flipped or not.</summary>
    private void Take<T>(ReadOnlySpan<T> source, int sourceWidth, int channels, Cut cut, bool mirrored, Span<T> target)
    {
        var (line, taken) = (sourceWidth * channels, _width * channels);
        for (var y = 0; y < _height; y++)
        {
            var from = source.Slice(((y + cut.Top) * line) + (cut.Left * channels), taken);
            var to = target.Slice(y * taken, taken);
            if (!mirrored)
            {
                from.CopyTo(to);
                continue;
            }

            for (var x = 0; x < _width; x++)
                from.Slice(x * channels, channels).CopyTo(to[((_width - 1 - x) * channels)..]);
        }
    }

    private static byte[] ReadFile(string path) => RegularFile.ReadAll(path, path, new ImageLoadOptions().MaxBytes, "an image");
}

/// <summary>A row's images at the training size.</summary>
/// <param name="Row">The row.</param>
/// <param name="Key">Key of the cropped and flipped image, 32 bytes.</param>
/// <param name="Image">The image.</param>
/// <param name="Condition">Its condition, of the same size.</param>
/// <param name="SourceWidth">Width of the image in its file.</param>
/// <param name="SourceHeight">Height of the image in its file.</param>
/// <param name="Cut">How it was scaled and cropped.</param>
internal sealed record ReadRow(
    TrainingRow Row, byte[] Key, ImageBuffer Image, ImageBuffer Condition, int SourceWidth, int SourceHeight, Cut Cut);

/// <summary>The size that an image is scaled to, and the top left corner of the crop. Its text is part of cache keys.</summary>
internal readonly record struct Cut(int ScaledWidth, int ScaledHeight, int Left, int Top);

/// <summary>Which part is kept of an image whose aspect ratio is not that of the training size.</summary>
public enum CropMode
{
    /// <summary>The centre.</summary>
    Centre,

    /// <summary>A random part, different each time. Its latents are not cached, since they would not be used again.</summary>
    Random,
}
