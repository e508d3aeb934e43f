using ControlNet.ML.Imaging;
using ControlNet.ML.Notebooks;

namespace ControlNet.ML;

/// <summary>A generated image and how it was generated.</summary>
/// <param name="Image">The image, RGB.</param>
/// <param name="Pixels">The image before rounding to 8 bits, [1, 3, H, W] from 0 to 1.</param>
/// <param name="Latents">The final latents, [1, C, h, w].</param>
/// <param name="Provenance">
/// Names and settings, everything needed to generate the image again with the same model files: for a PNG's text entries or a table's
/// columns.
/// </param>
/// <param name="Warnings">Warnings for the user, such as a prompt that was cut.</param>
[TypeFormatterSource(typeof(ImageFormatters), PreferredMimeTypes = ["text/html"])]
public sealed record GeneratedImage(
    ImageBuffer Image,
    TensorData Pixels,
    TensorData Latents,
    IReadOnlyDictionary<string, string> Provenance,
    IReadOnlyList<string> Warnings);
