namespace ControlNet.ML.Onnx;

/// <summary>The value of one output.</summary>
/// <param name="Port">The output.</param>
/// <param name="Floats">The values, row-major; empty for an integer output.</param>
/// <param name="Integers">The integers, row-major; empty for a float output.</param>
public sealed record OnnxValue(OnnxPort Port, float[] Floats, long[] Integers)
{
    /// <summary>The number of elements.</summary>
    public int Count => Math.Max(Floats.Length, Integers.Length);

    /// <summary>
    /// The width and height of a map whose declared shape may be dynamic: the input's size, or a half, a quarter … of it.
    /// </summary>
    /// <param name="channels">The number of channels.</param>
    /// <param name="width">Width of the network's input.</param>
    /// <param name="height">Height of the network's input.</param>
    /// <returns>Width and height of the map.</returns>
    /// <exception cref="ControlNetException">The number of elements matches no such size.</exception>
    public (int Width, int Height) Plane(int channels, int width, int height)
    {
        if (Port.Shape.Count >= 2 && Port.Shape[^1] > 0 && Port.Shape[^2] > 0 && (long)Port.Shape[^1] * Port.Shape[^2] * channels == Count)
            return (Port.Shape[^1], Port.Shape[^2]);
        for (var divisor = 1; divisor <= 64; divisor *= 2)
        {
            foreach (var (w, h) in
                new[] { (width / divisor, height / divisor), ((width + divisor - 1) / divisor, (height + divisor - 1) / divisor) })
            {
                if ((long)w * h * channels == Count)
                    return (w, h);
            }
        }

        throw new ControlNetException(
            $"The network's output {Port} has {Count:N0} elements, expected {channels} maps of {width}x{height}, or of that size divided "
                + $"by a power of two.");
    }
}
