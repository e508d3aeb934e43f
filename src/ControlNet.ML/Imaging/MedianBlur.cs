namespace ControlNet.ML.Imaging;

/// <summary>cv2.medianBlur: the middle value of each pixel's square, borders repeated.</summary>
public static class MedianBlur
{
    /// <summary>Takes medians. A histogram slides along each row, so that the time grows with the size and not with its square.</summary>
    /// <param name="image">The picture; its channels are independent.</param>
    /// <param name="size">Side of the square, odd, 1 to 255.</param>
    /// <returns>A new picture of the same size.</returns>
    public static ImageBuffer Apply(ImageBuffer image, int size)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (size is < 1 or > 255 || size % 2 == 0)
            throw new ControlNetException($"The median's size is {size}, expected an odd number from 1 to 255.");
        var result = new ImageBuffer(image.Width, image.Height, image.Channels);
        var histogram = new int[256];
        for (var channel = 0; channel < image.Channels; channel++)
        {
            for (var y = 0; y < image.Height; y++)
                Row(image, result, channel, y, size / 2, histogram);
        }

        return result;
    }

    private static void Row(ImageBuffer image, ImageBuffer result, int channel, int y, int reach, int[] histogram)
    {
        Array.Clear(histogram);
        for (var x = -reach; x <= reach; x++)
            Column(x, 1);

        // The median, and how many samples lie below it, move with the histogram.
        var half = ((2 * reach) + 1) * ((2 * reach) + 1) / 2;
        for (var x = 0; x < image.Width; x++)
        {
            if (x > 0)
            {
                Column(x - reach - 1, -1);
                Column(x + reach, 1);
            }

            int median = 0, count = histogram[0];
            while (count <= half)
                count += histogram[++median];
            result.Samples[(((y * image.Width) + x) * image.Channels) + channel] = (byte)median;
        }

        void Column(int x, int change)
        {
            x = Math.Clamp(x, 0, image.Width - 1);
            for (var k = -reach; k <= reach; k++)
            {
                var row = Math.Clamp(y + k, 0, image.Height - 1);
                histogram[image.Samples[(((row * image.Width) + x) * image.Channels) + channel]] += change;
            }
        }
    }
}
