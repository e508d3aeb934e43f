using ControlNet.ML.Imaging;
using ControlNet.ML.Notebooks;

namespace ControlNet.ML;

/// <summary>An image and what made it.</summary>
/// <param name="Image">The image, R, G, B.</param>
/// <param name="Pixels">The same before rounding to 8 bits, [1, 3, H, W] from 0 to 1.</param>
/// <param name="Latents">The last latents, [1, C, h, w].</param>
/// <param name="Provenance">What it was made of: names and settings, all that is needed to make it again with the same model files. For a PNG's text entries, a table's columns.</param>
/// <param name="Warnings">What the user should know: a prompt that was cut.</param>
[TypeFormatterSource(typeof(ImageFormatters), PreferredMimeTypes = ["text/html"])]
public sealed record GeneratedImage(
    ImageBuffer Image,
    TensorData Pixels,
    TensorData Latents,
    IReadOnlyDictionary<string, string> Provenance,
    IReadOnlyList<string> Warnings);
