namespace ControlNet.ML.Onnx;

/// <summary>The type of a port's elements, as far as annotators use them.</summary>
public enum OnnxElement
{
    /// <summary>Some other type.</summary>
    Other,

    /// <summary>float32.</summary>
    Single,

    /// <summary>float16.</summary>
    Half,

    /// <summary>int64.</summary>
    Int64,
}

/// <summary>An input or output that a graph declares.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Element">What it holds.</param>
/// <param name="Shape">Its sizes, -1 where the graph leaves them open.</param>
public sealed record OnnxPort(string Name, OnnxElement Element, IReadOnlyList<int> Shape)
{
    /// <summary>Whether every size is fixed.</summary>
    public bool IsFixed => Shape.All(size => size >= 0);

    /// <summary>As messages show it: <c>pixel_values Single [1, 3, ?, ?]</c>.</summary>
    public override string ToString() => $"{Name} {Element} [{string.Join(", ", Shape.Select(size => size < 0 ? "?" : $"{size}"))}]";
}
