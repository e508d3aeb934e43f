namespace ControlNet.ML.Onnx;

/// <summary>What a graph gave at one output.</summary>
/// <param name="Port">The output.</param>
/// <param name="Floats">The numbers, row-major; empty for a whole-number output.</param>
/// <param name="Integers">The whole numbers, row-major; empty for a float output.</param>
public sealed record OnnxValue(OnnxPort Port, float[] Floats, long[] Integers)
{
    /// <summary>How many elements there are.</summary>
    public int Count => Math.Max(Floats.Length, Integers.Length);

    /// <summary>The columns and rows of a map, whose declared shape may be open: it is the image's, or a half, a quarter … of it.</summary>
    /// <param name="channels">Maps that lie behind each other.</param>
    /// <param name="width">Columns of the image that the network saw.</param>
    /// <param name="height">Rows of it.</param>
    /// <exception cref="ControlNetException">No such size fits the number of elements.</exception>
    public (int Width, int Height) Plane(int channels, int width, int height)
    {
        if (Port.Shape.Count >= 2 && Port.Shape[^1] > 0 && Port.Shape[^2] > 0 && (long)Port.Shape[^1] * Port.Shape[^2] * channels == Count)
            return (Port.Shape[^1], Port.Shape[^2]);
        for (var divisor = 1; divisor <= 64; divisor *= 2)
        {
            foreach (var (w, h) in new[] { (width / divisor, height / divisor), ((width + divisor - 1) / divisor, (height + divisor - 1) / divisor) })
            {
                if ((long)w * h * channels == Count)
                    return (w, h);
            }
        }

        throw new ControlNetException($"The network's output {Port} has {Count:N0} elements, which are no {channels} maps of an image of {width}x{height}, whole or reduced by a power of two.");
    }
}
