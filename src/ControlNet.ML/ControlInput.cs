using ControlNet.ML.Conditions;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML;

/// <summary>One control for one image: a control network, its condition, and its scale, window and weighting.</summary>
public sealed record ControlInput
{
    /// <summary>A control network with a condition image.</summary>
    /// <param name="network">The control network.</param>
    /// <param name="condition">
    /// The condition image, as the network's preprocessor produces it (white edges on black for Canny). It is stretched to the generated
    /// size if it differs; alpha is dropped, so put a transparent image on white first.
    /// </param>
    public ControlInput(ControlNetwork network, ImageBuffer condition)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(condition);
        (Network, Condition) = (network, condition);
    }

    /// <summary>A control network with a condition as values, where 8 bits are too coarse.</summary>
    /// <param name="network">The control network.</param>
    /// <param name="condition">The condition, [1, 3, H, W] from 0 to 1, exactly of the generated size.</param>
    public ControlInput(ControlNetwork network, TensorData condition)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(condition);
        (Network, Tensor) = (network, condition);
    }

    /// <summary>The control network.</summary>
    public ControlNetwork Network { get; }

    /// <summary>The condition image; null if the condition is given as values.</summary>
    public ImageBuffer? Condition { get; }

    /// <summary>The condition as values, [1, 3, H, W] from 0 to 1; null if it is given as an image.</summary>
    public TensorData? Tensor { get; }

    /// <summary>Scale, window and weighting.</summary>
    public ControlUnit Unit { get; init; } = new();

    /// <summary>The condition's width and height before a caller fitted it to the image; null if nobody did.</summary>
    internal (int Width, int Height)? SourceSize { get; init; }

    /// <summary>Says that the condition is much smaller than images of a size; null if it is not.</summary>
    internal string? SizeWarning(int width, int height) => Condition is not { } condition
        ? null
        : ConditionImages.SizeWarning(
            Network.Name, SourceSize?.Width ?? condition.Width, SourceSize?.Height ?? condition.Height, width, height);

    /// <summary>Encodes the condition for images of a size.</summary>
    /// <param name="width">Width of the image in pixels.</param>
    /// <param name="height">Height of the image in pixels.</param>
    /// <returns>The hint, [1, C, h, w].</returns>
    /// <exception cref="ArgumentException"><see cref="Tensor"/> has another size.</exception>
    internal TensorData Encode(int width, int height)
    {
        if (Tensor is not { } tensor)
            return Network.Encode(Condition!, width, height);
        return tensor.Shape is [1, 3, var rows, var columns] && rows == height && columns == width
            ? Network.Encode(tensor)
            : throw new ArgumentException($"The condition is {tensor}, expected [1, 3, {height}, {width}].");
    }
}
