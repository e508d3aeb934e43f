using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML;

/// <summary>One control for one image: a control network, its condition, and its scale, window and weighting.</summary>
/// <param name="Network">The control network.</param>
/// <param name="Condition">
/// The condition image, as the network's preprocessor produces it (white edges on black for Canny). It is stretched to the generated size
/// if it differs; alpha is dropped, so put a transparent image on white first.
/// </param>
public sealed record ControlInput(ControlNetwork Network, ImageBuffer Condition)
{
    /// <summary>Scale, window and weighting.</summary>
    public ControlUnit Unit { get; init; } = new();

    /// <summary>
    /// The condition as values, [1, 3, H, W] from 0 to 1, exactly of the generated size; replaces the image where 8 bits are too coarse.
    /// </summary>
    public TensorData? Tensor { get; init; }

    /// <summary>Encodes the condition for images of a size.</summary>
    /// <param name="width">Width of the image in pixels.</param>
    /// <param name="height">Height of the image in pixels.</param>
    /// <returns>The hint, [1, C, h, w].</returns>
    /// <exception cref="ArgumentException"><see cref="Tensor"/> has another size.</exception>
    internal TensorData Encode(int width, int height)
    {
        if (Tensor is not { } tensor)
            return Network.Encode(Condition, width, height);
        return tensor.Shape is [1, 3, var rows, var columns] && rows == height && columns == width
            ? Network.Encode(tensor)
            : throw new ArgumentException($"The condition is {tensor}, expected [1, 3, {height}, {width}].");
    }
}
