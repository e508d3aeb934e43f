namespace ControlNet.ML.Imaging;

/// <summary>cv2.medianBlur: the median of each pixel's square, borders repeated.</summary>
public static class MedianBlur
{
    /// <summary>
    /// Computes medians. Sizes 3 and 5 compare many pixels at once; for larger sizes, histograms slide over the image, and the time hardly
    /// depends on the size.
    /// </summary>
    /// <param name="image">The image; its channels are independent.</param>
    /// <param name="size">Side of the square, odd, 1 to 255.</param>
    /// <returns>A new image of the same size.</returns>
    /// <exception cref="ControlNetException">The size is even or out of range.</exception>
    public static ImageBuffer Apply(ImageBuffer image, int size)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (size is < 1 or > 255 || size % 2 == 0)
            throw new ControlNetException($"The median's size is {size}, expected an odd number from 1 to 255.");
        return size switch
        {
            1 => new ImageBuffer(image.Width, image.Height, image.Channels, (byte[])image.Samples.Clone()),
            3 or 5 => MedianNetwork.Apply(image, size),
            _ => MedianHistogram.Apply(image, size / 2),
        };
    }
}
