using ControlNet.ML.Imaging;
using FsCheck;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Imaging;

/// <summary>The blurs against their rules, written sample by sample; images smaller than the kernel and as long as a vector are among them.</summary>
[Properties(Arbitrary = [typeof(ImageSamples)])]
public class BlurTests
{
    public static TheoryData<int, int> Lengths => new MatrixTheoryData<int, int>([1, 2, 3, 5, 7, 8, 10, 11, 15, 16, 17, 21, 22, 31, 32, 33, 43, 63, 64, 65, 100], [1, 3, 4]);

    [Property]
    public void A_gaussian_equals_the_rule_sample_by_sample(ImageBuffer image, byte sigma) => CheckGaussian(image, 0.3 + (sigma / 30.0));

    [Theory]
    [MemberData(nameof(Lengths))]
    public void A_gaussian_equals_the_rule_at_the_ends_of_vectors(int width, int channels)
    {
        foreach (var sigma in new[] { 0.4, 1.5, 3, 9 })
            CheckGaussian(ImageSamples.Noise(width, 7, channels, seed: width), sigma);
    }

    [Property]
    public void A_gaussian_of_floats_is_near_that_of_bytes(ImageBuffer image, byte sigma)
    {
        float[] samples = [.. image.Samples.Select(sample => (float)sample)];
        var floats = GaussianBlur.Apply(samples, image.Width, image.Height, image.Channels, 0.5 + (sigma / 60.0));
        var bytes = GaussianBlur.Apply(image, 0.5 + (sigma / 60.0)).Samples;

        // Shorter kernels and weights in 256ths: some levels apart.
        Assert.All(floats.Zip(bytes), pair => Assert.InRange(pair.First - pair.Second, -6, 6));
    }

    [Property]
    public void A_median_equals_the_rule_sample_by_sample(ImageBuffer image, byte size) => CheckMedian(image, (size % 16 * 2) + 1);

    [Theory]
    [MemberData(nameof(Lengths))]
    public void A_median_equals_the_rule_at_the_ends_of_vectors(int width, int channels)
    {
        foreach (var levels in new[] { 2, 256 })
        {
            foreach (var size in new[] { 1, 3, 5, 7, 9 })
                CheckMedian(ImageSamples.Noise(width, 9, channels, levels, seed: width), size);
        }
    }

    [Theory]
    [InlineData(511, 5, 1, 7)]
    [InlineData(513, 3, 3, 9)]
    [InlineData(16, 16, 4, 255)]
    [InlineData(300, 8, 1, 101)]
    public void A_median_equals_the_rule_across_strips_and_in_the_largest_squares(int width, int height, int channels, int size) =>
        CheckMedian(ImageSamples.Noise(width, height, channels), size);

    private static void CheckGaussian(ImageBuffer image, double sigma)
    {
        var weights = Weights(sigma);
        var reach = weights.Length / 2;
        var expected = new byte[image.Samples.Length];
        for (var i = 0; i < expected.Length; i++)
        {
            var (pixel, channel) = Math.DivRem(i, image.Channels);
            var (y, x) = Math.DivRem(pixel, image.Width);
            var sum = 1 << 15;
            for (var k = -reach; k <= reach; k++)
            {
                for (var j = -reach; j <= reach; j++)
                {
                    var at = (Mirrored(y + k, image.Height) * image.Width) + Mirrored(x + j, image.Width);
                    sum += weights[k + reach] * weights[j + reach] * image.Samples[(at * image.Channels) + channel];
                }
            }

            expected[i] = (byte)(sum >> 16);
        }

        Assert.Equal(expected, GaussianBlur.Apply(image, sigma).Samples);
    }

    private static void CheckMedian(ImageBuffer image, int size)
    {
        var expected = new byte[image.Samples.Length];
        var square = new byte[size * size];
        for (var i = 0; i < expected.Length; i++)
        {
            var (pixel, channel) = Math.DivRem(i, image.Channels);
            var (y, x) = Math.DivRem(pixel, image.Width);
            for (var k = 0; k < square.Length; k++)
            {
                var row = Math.Clamp(y + (k / size) - (size / 2), 0, image.Height - 1);
                var column = Math.Clamp(x + (k % size) - (size / 2), 0, image.Width - 1);
                square[k] = image.Samples[(((row * image.Width) + column) * image.Channels) + channel];
            }

            Array.Sort(square);
            expected[i] = square[square.Length / 2];
        }

        Assert.Equal(expected, MedianBlur.Apply(image, size).Samples);
    }

    // From the outside in, each rounded with the error of those before; the middle takes what is left of 256.
    private static int[] Weights(double sigma)
    {
        var size = (int)Math.Round((6 * sigma) + 1) | 1;
        var exact = GaussianBlur.Weights(size, sigma);
        var weights = new int[size];
        var error = 0.0;
        for (var i = 0; i < size / 2; i++)
        {
            weights[i] = weights[size - 1 - i] = (int)Math.Round((exact[i] * 256) + error);
            error += (exact[i] * 256) - weights[i];
        }

        weights[size / 2] = 256 - weights.Sum();
        return weights;
    }

    private static int Mirrored(int at, int size)
    {
        while (at < 0 || at >= size)
            at = size == 1 ? 0 : at < 0 ? -at : (2 * (size - 1)) - at;
        return at;
    }
}
