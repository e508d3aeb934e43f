namespace ControlNet.ML.Imaging;

/// <summary>cv2.remap with INTER_LINEAR on 8-bit images: the flow gives the source of each pixel. Outside the image is black.</summary>
public static class Remap
{
    private const int Steps = 32;
    private const int One = 1 << 15;

    /// <summary>Samples each pixel at its source: coordinates rounded to 1/32 of a pixel, weights in 2^15ths, as in OpenCV.</summary>
    /// <param name="image">The image; its channels are independent.</param>
    /// <param name="flow">x and y of the source for every pixel of the result, rows first: 2 x width x height values.</param>
    /// <param name="width">Columns of the result.</param>
    /// <param name="height">Rows of the result.</param>
    /// <returns>A new image.</returns>
    /// <exception cref="ArgumentException">The coordinates do not fill the image.</exception>
    public static ImageBuffer Apply(ImageBuffer image, ReadOnlySpan<float> flow, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(image);
        var result = new ImageBuffer(width, height, image.Channels);
        if (flow.Length != 2L * width * height)
            throw new ArgumentException($"{flow.Length} coordinates, expected {2L * width * height} for {width}x{height}.", nameof(flow));
        for (int i = 0, t = 0; i < flow.Length; i += 2, t += image.Channels)
        {
            var (x, y) = (Fixed(flow[i]), Fixed(flow[i + 1]));
            var (column, row) = (x >> 5, y >> 5);
            var (across, down) = (x & (Steps - 1), y & (Steps - 1));

            // Products of 32nds are whole 1,024ths, so the four weights add up to one without correction.
            var (w00, w01) = ((Steps - across) * (Steps - down) * Steps, across * (Steps - down) * Steps);
            var (w10, w11) = ((Steps - across) * down * Steps, across * down * Steps);
            for (var c = 0; c < image.Channels; c++)
            {
                var sum = (w00 * At(image, column, row, c)) + (w01 * At(image, column + 1, row, c))
                    + (w10 * At(image, column, row + 1, c)) + (w11 * At(image, column + 1, row + 1, c));
                result.Samples[t + c] = (byte)((sum + (One / 2)) >> 15);
            }
        }

        return result;
    }

    // Far outside is as black as near outside; clamping prevents overflow.
    private static int Fixed(float coordinate) => (int)Math.Round(Math.Clamp(coordinate, -1e6f, 1e6f) * Steps);

    private static int At(ImageBuffer image, int x, int y, int channel) =>
        (uint)x < (uint)image.Width && (uint)y < (uint)image.Height
            ? image.Samples[(((y * image.Width) + x) * image.Channels) + channel]
            : 0;
}
