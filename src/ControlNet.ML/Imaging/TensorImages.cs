namespace ControlNet.ML.Imaging;

/// <summary>How a decoder's values become grey levels.</summary>
public enum PixelRounding
{
    /// <summary>To the nearest, ties to even: diffusers.</summary>
    HalfToEven,

    /// <summary>Downwards: the original repository.</summary>
    Truncate,
}

/// <summary>Between images and tensors of [batch, 3, height, width].</summary>
public static class TensorImages
{
    /// <summary>The latents are an eighth of an image's size, so its sides are multiples of this.</summary>
    public const int Multiple = 8;

    /// <summary>An image as a network's condition: 0 to 1. Grey is repeated, alpha is dropped, as diffusers does.</summary>
    /// <param name="image">1, 3 or 4 channels.</param>
    /// <returns>[1, 3, height, width].</returns>
    public static TensorData ToUnit(ImageBuffer image) => ToTensor(image, level => level / 255f);

    /// <summary>An image as the encoder's input: -1 to 1. Grey is repeated, alpha is dropped, as diffusers does.</summary>
    /// <param name="image">1, 3 or 4 channels.</param>
    /// <returns>[1, 3, height, width].</returns>
    public static TensorData ToSigned(ImageBuffer image) => ToTensor(image, level => (2f * (level / 255f)) - 1f);

    /// <summary>Decoded images, -1 to 1 and beyond (which is clipped), as 8-bit ones.</summary>
    /// <param name="images">[batch, 3, height, width].</param>
    /// <param name="rounding">How values between two levels go.</param>
    /// <returns>One RGB image for each entry of the batch.</returns>
    /// <exception cref="ControlNetException">A value is not a number.</exception>
    public static ImageBuffer[] FromSigned(TensorData images, PixelRounding rounding = PixelRounding.HalfToEven) => rounding switch
    {
        PixelRounding.HalfToEven => FromTensor(images, value => MathF.Round(Math.Clamp((value * 0.5f) + 0.5f, 0f, 1f) * 255f)),
        PixelRounding.Truncate => FromTensor(images, value => Math.Clamp((value * 127.5f) + 127.5f, 0f, 255f)),
        _ => throw new ArgumentOutOfRangeException(nameof(rounding), rounding, "Not a rounding."),
    };

    /// <summary>Images in 0 to 1 (values beyond are clipped) as 8-bit ones, rounded half to even.</summary>
    /// <param name="images">[batch, 3, height, width].</param>
    /// <returns>One RGB image for each entry of the batch.</returns>
    /// <exception cref="ControlNetException">A value is not a number.</exception>
    public static ImageBuffer[] FromUnit(TensorData images) => FromTensor(images, value => MathF.Round(Math.Clamp(value, 0f, 1f) * 255f));

    /// <summary>Brings an image to a size as diffusers' VaeImageProcessor: both sides stretched with Pillow's LANCZOS, channels as they are.</summary>
    /// <param name="image">1, 3 or 4 channels.</param>
    /// <param name="width">Columns, a multiple of <see cref="Multiple"/>.</param>
    /// <param name="height">Rows, a multiple of <see cref="Multiple"/>.</param>
    /// <exception cref="ControlNetException">A side is not a multiple of <see cref="Multiple"/>: diffusers would change the size silently.</exception>
    public static ImageBuffer Prepare(ImageBuffer image, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (width < Multiple || height < Multiple || width % Multiple != 0 || height % Multiple != 0)
        {
            var (across, down) = (Math.Max(width / Multiple, 1) * Multiple, Math.Max(height / Multiple, 1) * Multiple);
            throw new ControlNetException($"The size is {width}x{height}, expected multiples of {Multiple}: try {across}x{down}.");
        }

        return PillowResize.Apply(image, width, height, PillowFilter.Lanczos);
    }

    private static TensorData ToTensor(ImageBuffer image, Func<int, float> value)
    {
        ArgumentNullException.ThrowIfNull(image);
        var table = new float[256];
        for (var level = 0; level < table.Length; level++)
            table[level] = value(level);

        var tensor = TensorData.Zeros(1, 3, image.Height, image.Width);
        var plane = image.Width * image.Height;
        for (var c = 0; c < 3; c++)
        {
            var values = tensor.Values.AsSpan(c * plane, plane);
            for (int i = 0, s = image.Channels == 1 ? 0 : c; i < values.Length; i++, s += image.Channels)
                values[i] = table[image.Samples[s]];
        }

        return tensor;
    }

    private static ImageBuffer[] FromTensor(TensorData images, Func<float, float> level)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Shape is not [var batch, 3, var height, var width] || height < 1 || width < 1)
            throw new ArgumentException($"The images are {images}, expected [batch, 3, height, width].", nameof(images));
        var results = new ImageBuffer[batch];
        var plane = height * width;
        for (var b = 0; b < batch; b++)
        {
            var result = results[b] = new ImageBuffer(width, height, 3);
            var values = images.Row(b);
            for (var i = 0; i < values.Length; i++)
            {
                if (float.IsNaN(values[i]))
                    throw NotFiniteException.OfImage(b, i / plane, i % plane / width, i % width);
                result.Samples[(i % plane * 3) + (i / plane)] = (byte)level(values[i]);
            }
        }

        return results;
    }
}
