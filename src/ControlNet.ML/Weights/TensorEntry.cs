namespace ControlNet.ML.Weights;

/// <summary>Where a tensor stands in a safetensors file, and what it is. All numbers have been checked against the file.</summary>
/// <param name="Name">The key in the file. May be anything, the empty text included; never to be used as a path.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The sizes, outermost first; empty for a single number.</param>
/// <param name="Offset">The first byte, counted from the start of the file; not necessarily aligned.</param>
/// <param name="ByteLength">The number of bytes.</param>
/// <param name="Count">The number of elements.</param>
public sealed record TensorEntry(string Name, TensorType Type, long[] Shape, long Offset, long ByteLength, long Count);
