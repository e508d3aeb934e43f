using System.Globalization;
using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Torch;

/// <summary>
/// Estimates the memory of activations from the shapes of the networks: the largest feature maps that exist at one time. Images that cannot
/// fit are refused before they are tried, since running out of memory may make the system kill the process, and inside oneDNN crashes it.
/// </summary>
internal static class ImageMemory
{
    // A 3x3 convolution by oneDNN: input and output, and both again in its own layout; the quarter is the map before upsampling.
    // Measured: 1.2 KB a pixel for the embedded model between 512x512 and 1024x1024, where 304 floats are 1,216 bytes.
    private const double MapsOfConvolution = 4.25;

    // A transformer block: GEGLU's projection of eight times the width, its product of four times, and the tokens.
    private const int WidthsOfTransformer = 13;

    // In strips (TiledAutoencoder), each layer frees its input as its output grows; a quarter for the strips that are computed.
    private const double MapsOfStrips = 1.25;

    /// <summary>Bytes for decoding.</summary>
    /// <param name="config">The autoencoder.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="height">Rows of the image.</param>
    /// <param name="size">Bytes per element.</param>
    /// <param name="isTiled">Whether it is decoded in strips of rows.</param>
    public static double Decoding(AutoencoderConfig config, int width, int height, long size, bool isTiled = false)
    {
        var (first, second) = (config.BlockOutChannels[0], config.BlockOutChannels[Math.Min(1, config.BlockOutChannels.Length - 1)]);
        var channels = isTiled ? MapsOfStrips * Math.Max(second, 2 * first) : (MapsOfConvolution * second) + first;
        return size * (double)width * height * channels;
    }

    /// <summary>Bytes for encoding an image.</summary>
    /// <inheritdoc cref="Decoding"/>
    public static double Encoding(AutoencoderConfig config, int width, int height, long size, bool isTiled = false) =>
        size * (double)width * height * (isTiled ? 2 * MapsOfStrips : MapsOfConvolution) * config.BlockOutChannels[0];

    /// <summary>Bytes for encoding a condition.</summary>
    /// <param name="config">The control network.</param>
    /// <param name="width">Columns of the condition.</param>
    /// <param name="height">Rows of the condition.</param>
    /// <param name="size">Bytes per element.</param>
    public static double Condition(ControlNetConfig config, int width, int height, long size) =>
        size * (double)width * height * MapsOfConvolution * config.ConditioningEmbeddingOutChannels[0];

    /// <summary>Bytes for a denoising step: the skip connections, plus the largest transformer or convolution.</summary>
    /// <param name="config">The UNet.</param>
    /// <param name="width">Columns of the latents.</param>
    /// <param name="height">Rows of the latents.</param>
    /// <param name="rows">Batch size of the UNet, with the unconditional rows.</param>
    /// <param name="size">Bytes per element.</param>
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
    /// <param name="need">Bytes that they need.</param>
    /// <param name="width">Columns of each in pixels.</param>
    /// <param name="height">Rows of each in pixels.</param>
    /// <param name="what">The operation, <c>Decoding an image</c>.</param>
    /// <param name="free">Free bytes; null asks the system.</param>
    /// <param name="saving">What else would make it fit, for the message; null if nothing would.</param>
    /// <exception cref="ControlNetException">They do not fit; the message names a size that does.</exception>
    public static void Ensure(double need, int width, int height, string what, long? free = null, string? saving = null)
    {
        var there = free ?? FreeMemory.Bytes;
        if (need > there)
        {
            var finding = $"needs about {Gigabytes(need)} of memory in addition to the model, but {Gigabytes(there)} are free";
            throw Refusal(what, width, height, finding, Math.Sqrt(there / need), null, saving);
        }
    }

    /// <summary>The error for an operation that was tried and ran out of memory.</summary>
    /// <param name="error">The exception of libtorch or the runtime.</param>
    /// <param name="what">The operation, <c>Decoding an image</c>.</param>
    /// <param name="width">Columns in pixels.</param>
    /// <param name="height">Rows in pixels.</param>
    public static ControlNetException Exhausted(Exception error, string what, int width, int height) =>
        Refusal(what, width, height, "ran out of memory", Math.Sqrt(0.5), error);

    /// <summary>Whether an error is an out-of-memory error: torch's allocators say so only in the message.</summary>
    public static bool IsExhaustion(Exception error) => error is OutOfMemoryException
        || (error is System.Runtime.InteropServices.ExternalException && Array.Exists(
            ["can't allocate memory", "not enough memory", "out of memory", "bad_alloc", "CUBLAS_STATUS_ALLOC_FAILED"],
            sign => error.Message.Contains(sign, StringComparison.OrdinalIgnoreCase)));

    private static ControlNetException Refusal(
        string what, int width, int height, string finding, double share, Exception? error, string? saving = null)
    {
        if (width == 0)
            return new ControlNetException($"{what} {finding}: expected more free memory.", error!);
        const int multiple = 64;
        var (fitWidth, fitHeight) = (
            Math.Max(multiple, (int)(width * share) / multiple * multiple),
            Math.Max(multiple, (int)(height * share) / multiple * multiple));
        var size = string.Create(CultureInfo.InvariantCulture, $"{fitWidth}x{fitHeight}");
        return new ControlNetException(
            string.Create(CultureInfo.InvariantCulture, $"{what} of {width}x{height} {finding}: expected at most about {size}, or fewer ")
                + (saving is null ? "images together." : $"images together, or {saving}."),
            error!);
    }

    private static string Gigabytes(double bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1 << 30):0.0} GB");
}
