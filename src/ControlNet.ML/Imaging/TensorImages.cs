namespace ControlNet.ML.Imaging;

/// <summary>The rounding of a decoder's values to 8 bits.</summary>
public enum PixelRounding
{
    /// <summary>To the nearest, ties to even, as in diffusers.</summary>
    HalfToEven,

    /// <summary>Down, as in the original repository.</summary>
    Truncate,
}

/// <summary>Converts between images and tensors of [batch, 3, height, width].</summary>
public static class TensorImages
{
    /// <summary>Latents have an eighth of an image's size, so its sides are multiples of this.</summary>
    public const int Multiple = 8;

    /// <summary>Converts an image to a network's condition: 0 to 1. Grey is repeated, alpha is dropped, as in diffusers.</summary>
    /// <param name="image">1, 3 or 4 channels.</param>
    /// <returns>[1, 3, height, width].</returns>
    public static TensorData ToUnit(ImageBuffer image) => ToTensor(image, level => level / 255f);

    /// <summary>Converts an image to the autoencoder's input: -1 to 1. Grey is repeated, alpha is dropped, as in diffusers.</summary>
    /// <param name="image">1, 3 or 4 channels.</param>
    /// <returns>[1, 3, height, width].</returns>
    public static TensorData ToSigned(ImageBuffer image) => ToTensor(image, level => (2f * (level / 255f)) - 1f);

    /// <summary>Converts decoded images, -1 to 1, to 8 bits; values outside the range are clipped.</summary>
    /// <param name="images">[batch, 3, height, width].</param>
    /// <param name="rounding">The rounding.</param>
    /// <returns>One RGB image for each entry of the batch.</returns>
    /// <exception cref="ControlNetException">A value is NaN.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The rounding is unknown.</exception>
    public static ImageBuffer[] FromSigned(TensorData images, PixelRounding rounding = PixelRounding.HalfToEven) => rounding switch
    {
        PixelRounding.HalfToEven => FromTensor(images, value => MathF.Round(Math.Clamp((value * 0.5f) + 0.5f, 0f, 1f) * 255f)),
        PixelRounding.Truncate => FromTensor(images, value => Math.Clamp((value * 127.5f) + 127.5f, 0f, 255f)),
        _ => throw new ArgumentOutOfRangeException(nameof(rounding), rounding, "Not a rounding."),
    };

    /// <summary>Converts images, 0 to 1, to 8 bits, rounded half to even; values outside the range are clipped.</summary>
    /// <param name="images">[batch, 3, height, width].</param>
    /// <returns>One RGB image for each entry of the batch.</returns>
    /// <exception cref="ControlNetException">A value is NaN.</exception>
    public static ImageBuffer[] FromUnit(TensorData images) => FromTensor(images, value => MathF.Round(Math.Clamp(value, 0f, 1f) * 255f));

    /// <summary>Resizes an image as in diffusers' VaeImageProcessor: stretched with Pillow's LANCZOS, with the same channels.</summary>
    /// <param name="image">1, 3 or 4 channels.</param>
    /// <param name="width">Columns, a multiple of <see cref="Multiple"/>.</param>
    /// <param name="height">Rows, a multiple of <see cref="Multiple"/>.</param>
    /// <returns>The image at that size.</returns>
    /// <exception cref="ControlNetException">
    /// A side is not a multiple of <see cref="Multiple"/>: diffusers would change the size silently.
    /// </exception>
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
