using System.Globalization;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Conditions as inputs of the networks.</summary>
public static class ConditionImages
{
    /// <summary>Twice: a condition at half the size, as from a small preview, still has all the detail that the latents can show.</summary>
    private const double MostEnlarged = 2;

    /// <summary>
    /// A condition at the size of the image to generate; other sizes are resized as in diffusers (Pillow's LANCZOS, stretched).
    /// Grey is repeated to three channels, alpha is dropped. To keep a map's shape or its one-pixel edges, fit it with
    /// <see cref="MapFit"/> first.
    /// </summary>
    /// <param name="condition">1, 3 or 4 channels.</param>
    /// <param name="width">Columns of the image, a multiple of 8.</param>
    /// <param name="height">Rows of the image, a multiple of 8.</param>
    /// <returns>[1, 3, height, width], 0 to 1.</returns>
    /// <exception cref="ControlNetException">A side is not a multiple of 8.</exception>
    public static TensorData ToTensor(ImageBuffer condition, int width, int height) =>
        TensorImages.ToUnit(TensorImages.Prepare(condition, width, height));

    /// <summary>Says that a condition is so much smaller than the image that its lines become coarse; null if it is not.</summary>
    /// <param name="network">The network's name.</param>
    /// <param name="conditionWidth">Columns of the condition.</param>
    /// <param name="conditionHeight">Rows of the condition.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="height">Rows of the image.</param>
    internal static string? SizeWarning(string network, int conditionWidth, int conditionHeight, int width, int height)
    {
        var factor = Math.Max((double)width / conditionWidth, (double)height / conditionHeight);
        return factor <= MostEnlarged
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"The condition of {Message.Name(network)} is {conditionWidth}x{conditionHeight}, much smaller than the image of "
                    + $"{width}x{height}: it was enlarged {factor:0.#} times, so its lines are coarse. Make it at the image's size.");
    }
}
