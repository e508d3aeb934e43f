namespace ControlNet.ML.Weights;

/// <summary>A tensor's type, shape and position in a safetensors file. All values have been checked against the file.</summary>
/// <param name="Name">The key in the file. It may be any string, including the empty one; never use it as a path.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The sizes, outermost first; empty for a scalar.</param>
/// <param name="Offset">The first byte, counted from the start of the file; not necessarily aligned.</param>
/// <param name="ByteLength">The number of bytes.</param>
/// <param name="Count">The number of elements.</param>
public sealed record TensorEntry(string Name, TensorType Type, long[] Shape, long Offset, long ByteLength, long Count);
