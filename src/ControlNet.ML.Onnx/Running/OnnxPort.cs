namespace ControlNet.ML.Onnx;

/// <summary>The element types of the networks' inputs and outputs.</summary>
public enum OnnxElement
{
    /// <summary>Any other type.</summary>
    Other,

    /// <summary>float32.</summary>
    Single,

    /// <summary>float16.</summary>
    Half,

    /// <summary>int64.</summary>
    Int64,

    /// <summary>int32.</summary>
    Int32,

    /// <summary>float64.</summary>
    Double,
}

/// <summary>An input or output of a graph.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Element">Its element type.</param>
/// <param name="Shape">Its sizes, -1 for dynamic ones.</param>
public sealed record OnnxPort(string Name, OnnxElement Element, IReadOnlyList<int> Shape)
{
    /// <summary>Whether every size is fixed.</summary>
    public bool IsFixed => Shape.All(size => size >= 0);

    /// <summary>Text for messages: <c>pixel_values Single [1, 3, ?, ?]</c>.</summary>
    public override string ToString() => $"{Name} {Element} [{string.Join(", ", Shape.Select(size => size < 0 ? "?" : $"{size}"))}]";
}
