using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>
/// The condition and the mask for inpainting: white parts of the mask are repainted. Transparent parts are not painted on, so they are kept
/// (<see cref="Levels"/>).
/// </summary>
public static class Inpaint
{
    /// <summary>The level of each pixel of a mask: Pillow's grey, composited on black if the mask has alpha.</summary>
    /// <param name="mask">The mask, 1, 3 or 4 channels.</param>
    /// <returns>One channel, of the same size.</returns>
    public static ImageBuffer Levels(ImageBuffer mask)
    {
        var levels = Color.GreyPillow(mask);
        if (mask.Channels == 4)
        {
            for (var i = 0; i < levels.Samples.Length; i++)
                levels.Samples[i] = (byte)(((levels.Samples[i] * mask.Samples[(4 * i) + 3]) + (byte.MaxValue / 2)) / byte.MaxValue);
        }

        return levels;
    }

    /// <summary>
    /// The condition of ControlNet's inpainting network: the image, 0 to 1, with -1 in all channels where the mask is 128 or more.
    /// </summary>
    /// <param name="image">The image; grey is repeated, alpha is dropped.</param>
    /// <param name="mask">The mask, of the same size; its <see cref="Levels"/> are used.</param>
    /// <returns>[1, 3, height, width], for <see cref="ControlInput.Tensor"/>: 8 bits cannot hold the -1.</returns>
    /// <exception cref="ControlNetException">The sizes differ.</exception>
    public static TensorData ToTensor(ImageBuffer image, ImageBuffer mask)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(mask);
        if ((image.Width, image.Height) != (mask.Width, mask.Height))
        {
            throw new ControlNetException(
                $"The mask is {mask.Width}x{mask.Height} and the image {image.Width}x{image.Height}, expected the same size: fit both "
                    + $"with one Geometry.");
        }
        var tensor = TensorImages.ToUnit(image);
        var covered = Levels(mask).Samples;
        for (var i = 0; i < tensor.Count; i++)
        {
            if (covered[i % covered.Length] / 255f > 0.5f)
                tensor.Values[i] = -1;
        }

        return tensor;
    }

    /// <summary>
    /// The mask as in diffusers: grey, resized with Pillow's LANCZOS, then 1 where it is 0.5 or more, otherwise 0.
    /// To soften its edge, blur it with <see cref="PillowGaussianBlur"/> first.
    /// </summary>
    /// <param name="mask">The mask; its <see cref="Levels"/> are used.</param>
    /// <param name="width">Columns of the image, a multiple of 8.</param>
    /// <param name="height">Rows of the image, a multiple of 8.</param>
    /// <returns>[1, 1, height, width].</returns>
    /// <exception cref="ControlNetException">A side is not a multiple of 8.</exception>
    public static TensorData MaskToTensor(ImageBuffer mask, int width, int height)
    {
        var grey = TensorImages.Prepare(Levels(mask), width, height);
        var tensor = TensorData.Zeros(1, 1, height, width);
        for (var i = 0; i < tensor.Count; i++)
            tensor.Values[i] = grey.Samples[i] / 255f >= 0.5f ? 1 : 0;
        return tensor;
    }
}
