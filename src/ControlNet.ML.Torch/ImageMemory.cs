using System.Globalization;
using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Torch;

/// <summary>
/// What images take of the memory beside the weights, from the shapes of the networks: the largest maps that are there at one time. What cannot
/// fit is refused before it is tried, since the system may end the process for it, and an error inside oneDNN does.
/// </summary>
internal static class ImageMemory
{
    // A 3x3 convolution by oneDNN: input and output, and both once more in its own layout; the quarter is the map before it was enlarged.
    // 1.2 KB a pixel for the embedded model between 512x512 and 1024x1024, where 304 floats come to 1,216 bytes.
    private const double MapsOfConvolution = 4.25;

    // Of a transformer block: GEGLU's projection of eight times the width, its product of four, and the tokens.
    private const int WidthsOfTransformer = 13;

    /// <summary>Bytes that decoding takes, always in float32.</summary>
    /// <param name="config">The autoencoder.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="height">Rows of the image.</param>
    public static double Decoding(AutoencoderConfig config, int width, int height) =>
        sizeof(float) * (double)width * height * ((MapsOfConvolution * config.BlockOutChannels[Math.Min(1, config.BlockOutChannels.Length - 1)]) + config.BlockOutChannels[0]);

    /// <summary>Bytes that encoding an image takes, always in float32.</summary>
    public static double Encoding(AutoencoderConfig config, int width, int height) =>
        sizeof(float) * (double)width * height * MapsOfConvolution * config.BlockOutChannels[0];

    /// <summary>Bytes that encoding a condition takes.</summary>
    /// <param name="config">The control network.</param>
    /// <param name="width">Columns of the condition.</param>
    /// <param name="height">Rows of the condition.</param>
    /// <param name="size">Bytes of a number.</param>
    public static double Condition(ControlNetConfig config, int width, int height, long size) =>
        size * (double)width * height * MapsOfConvolution * config.ConditioningEmbeddingOutChannels[0];

    /// <summary>Bytes that a step of denoising takes: the skip connections, and the largest transformer or convolution beside them.</summary>
    /// <param name="config">The UNet.</param>
    /// <param name="width">Columns of the latents.</param>
    /// <param name="height">Rows of the latents.</param>
    /// <param name="rows">Rows that are computed together, those without prompt included.</param>
    /// <param name="size">Bytes of a number.</param>
    public static double Step(UNetConfig config, int width, int height, int rows, long size)
    {
        double skips = 0, largest = MapsOfConvolution * config.BlockOutChannels[0];
        for (var level = 0; level < config.BlockOutChannels.Length; level++)
        {
            var channels = config.BlockOutChannels[level] / Math.Pow(4, level);
            skips += channels * (config.LayersPerBlock + 1);
            if (config.HasAttention(level) && config.TransformerLayersPerBlock[level] > 0)
                largest = Math.Max(largest, WidthsOfTransformer * channels);
        }

        return size * (double)width * height * rows * (skips + largest);
    }

    /// <summary>Throws if images cannot fit.</summary>
    /// <param name="need">Bytes that they take.</param>
    /// <param name="width">Columns of each in pixels.</param>
    /// <param name="height">Rows of each in pixels.</param>
    /// <param name="what">What takes it, <c>Decoding an image</c>.</param>
    /// <param name="free">Bytes that there are; null asks the system.</param>
    /// <exception cref="ControlNetException">They do not; the message names a size that does.</exception>
    public static void Ensure(double need, int width, int height, string what, long? free = null)
    {
        var there = free ?? FreeMemory.Bytes;
        if (need > there)
            throw Refusal(what, width, height, $"takes about {Gigabytes(need)} of memory beside the model, and {Gigabytes(there)} are free", Math.Sqrt(there / need), null);
    }

    /// <summary>The error for what did not fit although it was tried.</summary>
    /// <param name="error">What libtorch or the runtime said.</param>
    /// <param name="what">What was computed, <c>Decoding an image</c>.</param>
    /// <param name="width">Columns in pixels.</param>
    /// <param name="height">Rows in pixels.</param>
    public static ControlNetException Exhausted(Exception error, string what, int width, int height) =>
        Refusal(what, width, height, "took more memory than there is", Math.Sqrt(0.5), error);

    /// <summary>Whether an error says that memory was short: torch's allocators say so in words only.</summary>
    public static bool IsExhaustion(Exception error) => error is OutOfMemoryException
        || (error is System.Runtime.InteropServices.ExternalException && Array.Exists(
            ["can't allocate memory", "not enough memory", "out of memory", "bad_alloc", "CUBLAS_STATUS_ALLOC_FAILED"],
            sign => error.Message.Contains(sign, StringComparison.OrdinalIgnoreCase)));

    private static ControlNetException Refusal(string what, int width, int height, string finding, double share, Exception? error)
    {
        if (width == 0)
            return new ControlNetException($"{what} {finding}: expected more free memory.", error!);
        const int multiple = 64;
        var (fitWidth, fitHeight) = (Math.Max(multiple, (int)(width * share) / multiple * multiple), Math.Max(multiple, (int)(height * share) / multiple * multiple));
        return new ControlNetException(
            string.Create(CultureInfo.InvariantCulture, $"{what} of {width}x{height} {finding}: expected at most about {fitWidth}x{fitHeight}, or fewer images together."), error!);
    }

    private static string Gigabytes(double bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1 << 30):0.0} GB");
}
