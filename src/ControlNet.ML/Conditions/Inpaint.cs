using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>The condition and the mask of inpainting: what is white in the mask is to be made anew.</summary>
public static class Inpaint
{
    /// <summary>What ControlNet's inpainting network takes: the picture, 0 to 1, with -1 in all channels where the mask is 128 or more.</summary>
    /// <param name="image">The picture; grey is repeated, alpha is dropped.</param>
    /// <param name="mask">The mask, of the same size; colours count by Pillow's grey.</param>
    /// <returns>[1, 3, height, width], for <see cref="ControlInput.Tensor"/>: 8 bits cannot hold the -1.</returns>
    /// <exception cref="ControlNetException">The sizes differ.</exception>
    public static TensorData ToTensor(ImageBuffer image, ImageBuffer mask)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(mask);
        if ((image.Width, image.Height) != (mask.Width, mask.Height))
            throw new ControlNetException($"The mask is {mask.Width}x{mask.Height} and the picture {image.Width}x{image.Height}, expected the same size: bring both to it with one Geometry.");
        var tensor = TensorImages.ToUnit(image);
        var covered = Colour.GreyPillow(mask).Samples;
        for (var i = 0; i < tensor.Count; i++)
        {
            if (covered[i % covered.Length] / 255f > 0.5f)
                tensor.Values[i] = -1;
        }

        return tensor;
    }

    /// <summary>
    /// The mask as diffusers prepares it: grey, brought to the size with Pillow's LANCZOS, then 1 where it is 0.5 or more, else 0.
    /// To soften its edge first, blur it with <see cref="PillowGaussianBlur"/>.
    /// </summary>
    /// <param name="mask">The mask; colours count by Pillow's grey.</param>
    /// <param name="width">Columns of the picture, a multiple of 8.</param>
    /// <param name="height">Rows of the picture, a multiple of 8.</param>
    /// <returns>[1, 1, height, width].</returns>
    /// <exception cref="ControlNetException">A side is not a multiple of 8.</exception>
    public static TensorData MaskToTensor(ImageBuffer mask, int width, int height)
    {
        var grey = TensorImages.Prepare(Colour.GreyPillow(mask), width, height);
        var tensor = TensorData.Zeros(1, 1, height, width);
        for (var i = 0; i < tensor.Count; i++)
            tensor.Values[i] = grey.Samples[i] / 255f >= 0.5f ? 1 : 0;
        return tensor;
    }
}
