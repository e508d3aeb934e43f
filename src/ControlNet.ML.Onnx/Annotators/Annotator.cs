using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>
/// One public variant of an annotator's network: how it prepares images, and how it reads a condition from the outputs. Results equal those
/// of the public implementations that each class names.
/// </summary>
public abstract class Annotator
{
    /// <summary>The variant's name.</summary>
    public abstract string Name { get; }

    /// <summary>The public sources of such networks.</summary>
    public abstract string Models { get; }

    /// <summary>Whether a graph has the inputs and outputs of this variant.</summary>
    /// <param name="signature">The graph's inputs and outputs.</param>
    /// <returns>True if it fits.</returns>
    public abstract bool Fits(OnnxSignature signature);

    /// <summary>Prepares an image as the network's input.</summary>
    /// <param name="image">RGB.</param>
    /// <param name="port">The graph's image input.</param>
    /// <returns>The input, in the shape of the port.</returns>
    public abstract TensorData Prepare(ImageBuffer image, OnnxPort port);

    /// <summary>The integer input, for networks that have one.</summary>
    internal virtual long[]? Tokens(OnnxSignature signature) => null;

    /// <summary>Reads the condition, at the size at which the public implementation returns it.</summary>
    /// <param name="outputs">The network's outputs, in the graph's order.</param>
    /// <param name="seen">The shape of the network's input, [1, 3, height, width].</param>
    /// <param name="image">The image.</param>
    /// <returns>The condition.</returns>
    public abstract ImageBuffer Read(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image);

    /// <summary>The first channels of an output as maps.</summary>
    private protected static FloatMap[] Maps(OnnxValue value, int channels, ReadOnlySpan<int> seen)
    {
        var (width, height) = value.Plane(channels, seen[3], seen[2]);
        var plane = width * height;
        return [.. Enumerable.Range(0, channels).Select(c => new FloatMap(width, height, value.Floats[(c * plane)..((c + 1) * plane)]))];
    }

    private protected static FloatMap Map(OnnxValue value, ReadOnlySpan<int> seen) => Maps(value, 1, seen)[0];

    private protected static FloatMap Linear(FloatMap map, int width, int height) =>
        new(width, height, FloatResize.Linear(map.Values, map.Width, map.Height, 1, width, height));

    private protected static FloatMap Cubic(FloatMap map, int width, int height) =>
        new(width, height, KernelResize.Cubic<float>(map.Values, map.Width, map.Height, 1, width, height));

    /// <summary>x 255, clipped, truncated.</summary>
    private protected static ImageBuffer Levels(FloatMap map) =>
        new FloatMap(map.Width, map.Height, [.. map.Values.Select(value => value * 255)]).ToLevels();

    private protected static bool IsMap(OnnxPort port, int channels) =>
        port.Element is OnnxElement.Single or OnnxElement.Half && port.Shape.Count == 4 && (port.Shape[1] == channels || port.Shape[1] < 0);
}
