namespace ControlNet.ML.Imaging;

/// <summary>Conversions between grey, RGB and RGBA, and lightness, with the rounding of the library that each method names.</summary>
public static class Color
{
    /// <summary>Grey as in cv2.cvtColor: (9798 R + 19235 G + 3735 B + 2^14) / 2^15, truncated. Alpha is ignored.</summary>
    /// <param name="image">1, 3 or 4 channels.</param>
    /// <returns>One channel; a copy if it had one.</returns>
    public static ImageBuffer Grey(ImageBuffer image) =>
        ToOneChannel(image, (r, g, b) => (byte)(((9798 * r) + (19235 * g) + (3735 * b) + (1 << 14)) >> 15));

    /// <summary>Grey as in Pillow's <c>convert("L")</c>: (19595 R + 38470 G + 7471 B + 2^15) / 2^16, truncated. Alpha is ignored.</summary>
    /// <param name="image">1, 3 or 4 channels.</param>
    /// <returns>One channel; a copy if it had one.</returns>
    public static ImageBuffer GreyPillow(ImageBuffer image) =>
        ToOneChannel(image, (r, g, b) => (byte)(((19595 * r) + (38470 * g) + (7471 * b) + (1 << 15)) >> 16));

    /// <summary>
    /// Three channels as in the ControlNet annotators (HWC3): grey is repeated, alpha is composited on white,
    /// in float32 and truncated. So white becomes 254 under 31 of the 256 alpha values, as it does there.
    /// </summary>
    /// <param name="image">1, 3 or 4 channels.</param>
    /// <returns>Three channels; a copy if it had three.</returns>
    public static ImageBuffer Hwc3(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.Channels != 4)
            return Rgb(image);
        var result = new ImageBuffer(image.Width, image.Height, 3);
        var (from, to) = (image.Samples, result.Samples);
        for (int s = 0, t = 0; s < from.Length; s += 4, t += 3)
        {
            var alpha = from[s + 3] / 255f;
            for (var c = 0; c < 3; c++)
                to[t + c] = (byte)Math.Clamp((from[s + c] * alpha) + (255f * (1f - alpha)), 0, 255);
        }

        return result;
    }

    /// <summary>
    /// Removes alpha: composites the image on white as in <see cref="Hwc3"/> if it has an alpha channel.
    /// <see cref="ImageBuffer.Deep"/> values do not change, even where they are transparent: white is not a depth, and few maps reach up to
    /// it.
    /// </summary>
    /// <param name="image">1, 3 or 4 channels.</param>
    /// <returns>The image itself if it has 1 or 3 channels, else three channels.</returns>
    public static ImageBuffer OverWhite(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return image.Channels == 4 ? Hwc3(image).With(image.Deep) : image;
    }

    /// <summary>Three channels as Pillow's <c>convert("RGB")</c>: grey is repeated, alpha is dropped.</summary>
    /// <param name="image">1, 3 or 4 channels.</param>
    /// <returns>Three channels; a copy if it had three.</returns>
    public static ImageBuffer Rgb(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var result = new ImageBuffer(image.Width, image.Height, 3);
        var (from, to, channels) = (image.Samples, result.Samples, image.Channels);
        if (channels == 3)
        {
            from.CopyTo(to, 0);
            return result;
        }

        var (green, blue) = channels == 1 ? (0, 0) : (1, 2);
        for (int s = 0, t = 0; s < from.Length; s += channels, t += 3)
            (to[t], to[t + 1], to[t + 2]) = (from[s], from[s + green], from[s + blue]);
        return result;
    }

    /// <summary>The negative: 255 minus every sample. Alpha is composited on white first (<see cref="Hwc3"/>).</summary>
    /// <param name="image">1, 3 or 4 channels.</param>
    /// <returns>Three channels.</returns>
    public static ImageBuffer Invert(ImageBuffer image) => Negative(Hwc3(image));

    /// <summary>255 minus every sample, alpha included.</summary>
    /// <param name="image">1, 3 or 4 channels.</param>
    /// <returns>A new image with as many channels.</returns>
    public static ImageBuffer Negative(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var result = new ImageBuffer(image.Width, image.Height, image.Channels);
        for (var i = 0; i < result.Samples.Length; i++)
            result.Samples[i] = (byte)(255 - image.Samples[i]);
        return result;
    }

    /// <summary>L of CIE Lab, 0 to 255, as in cv2.cvtColor. Alpha is ignored.</summary>
    /// <param name="image">3 or 4 channels (one counts as three equal ones).</param>
    /// <param name="order">Which channel is read as red.</param>
    /// <returns>One channel.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The order is unknown.</exception>
    public static ImageBuffer LabLightness(ImageBuffer image, ChannelOrder order = ChannelOrder.Rgb) => order switch
    {
        ChannelOrder.Rgb => LightnessOf(image, (r, g, b) => Lightness.Of(r, g, b)),
        ChannelOrder.Bgr => LightnessOf(image, (r, g, b) => Lightness.Of(b, g, r)),
        _ => throw new ArgumentOutOfRangeException(nameof(order), order, "Not an order of channels."),
    };

    /// <summary>V of HSV: the largest of R, G, B. Alpha is ignored.</summary>
    /// <param name="image">1, 3 or 4 channels.</param>
    /// <returns>One channel.</returns>
    public static ImageBuffer HsvValue(ImageBuffer image) => ToOneChannel(image, (r, g, b) => Math.Max(r, Math.Max(g, b)));

    private static ImageBuffer LightnessOf(ImageBuffer image, Func<byte, byte, byte, byte> of)
    {
        ArgumentNullException.ThrowIfNull(image);
        return ToOneChannel(image.Channels == 1 ? Rgb(image) : image, of);
    }

    private static ImageBuffer ToOneChannel(ImageBuffer image, Func<byte, byte, byte, byte> of)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.Channels == 1)
            return new ImageBuffer(image.Width, image.Height, 1, (byte[])image.Samples.Clone());
        var result = new ImageBuffer(image.Width, image.Height, 1);
        var (from, to, channels) = (image.Samples, result.Samples, image.Channels);
        for (int s = 0, t = 0; t < to.Length; s += channels, t++)
            to[t] = of(from[s], from[s + 1], from[s + 2]);
        return result;
    }

    /// <summary>OpenCV's fixed-point Lab lightness: linear light in 2040ths, its cube root in 2^15ths.</summary>
    private static class Lightness
    {
        private const int White = 2040;
        private static readonly int[] Linear = [.. Enumerable.Range(0, 256).Select(v => (int)Math.Round(White * Linearize(v / 255.0)))];
        private static readonly int[] Root = [
            .. Enumerable.Range(0, White + 1).Select(y => (int)Math.Round((1 << 15) * RootOf(y / (double)White)))];

        public static byte Of(byte r, byte g, byte b)
        {
            var y = ((871 * Linear[r]) + (2929 * Linear[g]) + (296 * Linear[b]) + (1 << 11)) >> 12;
            return (byte)Math.Clamp(((296 * Root[y]) - (((16 * 255 * (1 << 15)) + 50) / 100) + (1 << 14)) >> 15, 0, 255);
        }

        private static double Linearize(double v) => v <= 0.04045 ? v / 12.92 : Math.Pow((v + 0.055) / 1.055, 2.4);

        private static double RootOf(double y) => y < 216.0 / 24389 ? (841.0 / 108 * y) + (16.0 / 116) : Math.Cbrt(y);
    }
}

/// <summary>The order of an image's color channels.</summary>
public enum ChannelOrder
{
    /// <summary>Red first, as in an <see cref="ImageBuffer"/>.</summary>
    Rgb,

    /// <summary>Blue first, which OpenCV's functions assume of their input.</summary>
    Bgr,
}
