namespace ControlNet.ML.Onnx;

/// <summary>A value of a graph: an input, a constant, a weight or the output of a node.</summary>
/// <param name="Name">Its name in the graph.</param>
internal readonly record struct GraphValue(string Name)
{
    /// <summary>An optional input that is left out.</summary>
    public static GraphValue None { get; } = new("");
}

/// <summary>A size of an input or output: a number, or the name of a dynamic one.</summary>
/// <param name="Size">The number, or null.</param>
/// <param name="Name">The name, or null.</param>
internal readonly record struct GraphDimension(long? Size, string? Name)
{
    public static implicit operator GraphDimension(int size) => new(size, null);

    public static implicit operator GraphDimension(string name) => new(null, name);
}
