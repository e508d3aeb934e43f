namespace ControlNet.ML.Imaging;

/// <summary>
/// cv2.GaussianBlur: on 8-bit images in fixed point, weights in 256ths, bit for bit; on floats in float32. Borders are reflected
/// without repeating the edge (BORDER_REFLECT_101).
/// </summary>
public static class GaussianBlur
{
    /// <summary>Blurs an 8-bit image with OpenCV's kernel size for the sigma: rint(6 sigma + 1), made odd.</summary>
    /// <param name="image">The image; its channels are independent.</param>
    /// <param name="sigma">Standard deviation in pixels, above 0 and at most 1,000.</param>
    /// <returns>A new image of the same size.</returns>
    public static ImageBuffer Apply(ImageBuffer image, double sigma)
    {
        CheckSigma(sigma);
        var size = (int)Math.Round((6 * sigma) + 1) | 1;
        return Apply(image, size, size, sigma);
    }

    /// <summary>Blurs an 8-bit image with a kernel of a given size.</summary>
    /// <param name="image">The image; its channels are independent.</param>
    /// <param name="width">Kernel columns, odd.</param>
    /// <param name="height">Kernel rows, odd.</param>
    /// <param name="sigma">Standard deviation in pixels; 0 derives it from the size, for sizes up to 9 from OpenCV's table.</param>
    /// <returns>A new image of the same size.</returns>
    public static ImageBuffer Apply(ImageBuffer image, int width, int height, double sigma)
    {
        ArgumentNullException.ThrowIfNull(image);
        return FixedPointBlur.Apply(image, FixedWeights(width, sigma), FixedWeights(height, sigma));
    }

    /// <summary>Blurs float samples with OpenCV's kernel size for the sigma: rint(8 sigma + 1), made odd.</summary>
    /// <param name="samples">In the order rows, columns, channels.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="channels">Samples per pixel.</param>
    /// <param name="sigma">Standard deviation in pixels, above 0 and at most 1,000.</param>
    /// <returns>As many samples.</returns>
    /// <exception cref="ArgumentException">The samples do not fill the image.</exception>
    public static float[] Apply(ReadOnlyMemory<float> samples, int width, int height, int channels, double sigma)
    {
        CheckSigma(sigma);
        if (samples.Length != width * height * channels)
            throw new ArgumentException($"{samples.Length} samples do not fill {width}x{height}x{channels}.", nameof(samples));
        float[] weights = [.. Weights((int)Math.Round((8 * sigma) + 1) | 1, sigma).Select(w => (float)w)];
        return SeparableFilter.Apply(samples.Span, width, height, channels, weights, weights);
    }

    /// <summary>cv2.getGaussianKernel in float64.</summary>
    /// <param name="size">An odd number of weights.</param>
    /// <param name="sigma">Standard deviation in pixels; 0 means 0.3 ((size - 1) / 2 - 1) + 0.8.</param>
    /// <returns>Weights that add up to 1.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is even.</exception>
    public static double[] Weights(int size, double sigma)
    {
        if (size < 1 || size % 2 == 0)
            throw new ArgumentOutOfRangeException(nameof(size), size, "A kernel has an odd number of weights.");
        if (sigma <= 0)
            sigma = (0.3 * (((size - 1) * 0.5) - 1)) + 0.8;
        var weights = new double[size];
        for (var i = 0; i < size; i++)
        {
            var x = i - ((size - 1) * 0.5);
            weights[i] = Math.Exp(-0.5 / (sigma * sigma) * x * x);
        }

        var sum = weights.Sum();
        return [.. weights.Select(weight => weight / sum)];
    }

    /// <summary>
    /// Weights in 256ths: from the outside in, each is rounded with the error of the previous ones; the centre gets the remainder.
    /// </summary>
    private static int[] FixedWeights(int size, double sigma)
    {
        if (sigma <= 0)
        {
            switch (size)
            {
                case 1: return [256];
                case 3: return [64, 128, 64];
                case 5: return [16, 64, 96, 64, 16];
                case 7: return [8, 28, 56, 72, 56, 28, 8];
                case 9: return [4, 13, 30, 51, 60, 51, 30, 13, 4];
            }
        }

        var exact = Weights(size, sigma);
        var weights = new int[size];
        var error = 0.0;
        var left = 256;
        for (var i = 0; i < size / 2; i++)
        {
            var wanted = (exact[i] * 256) + error;
            weights[i] = weights[size - 1 - i] = (int)Math.Round(wanted);
            error = wanted - weights[i];
            left -= 2 * weights[i];
        }

        weights[size / 2] = left;
        return weights;
    }

    private static void CheckSigma(double sigma)
    {
        if (!(sigma is > 0 and <= 1000))
        {
            throw new ControlNetException(string.Create(
                System.Globalization.CultureInfo.InvariantCulture, $"The blur's sigma is {sigma}, expected above 0 and at most 1,000."));
        }
    }
}
