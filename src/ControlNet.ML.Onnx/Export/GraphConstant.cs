using System.Runtime.InteropServices;

namespace ControlNet.ML.Onnx;

/// <summary>A constant of a graph: shapes, axes, frequencies. It is small and always stored in the graph itself.</summary>
/// <param name="Name">Its name in the graph.</param>
/// <param name="Element">Its element type, of <see cref="OnnxFields"/>.</param>
/// <param name="Shape">Its shape; empty for a scalar.</param>
/// <param name="Bytes">The values, row-major, little-endian.</param>
internal sealed record GraphConstant(string Name, int Element, long[] Shape, byte[] Bytes)
{
    /// <summary>Integers.</summary>
    public static GraphConstant Of(string name, ReadOnlySpan<long> values, params long[] shape) =>
        new(name, OnnxFields.Int64, shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>Floats.</summary>
    public static GraphConstant Of(string name, ReadOnlySpan<float> values, params long[] shape) =>
        new(name, OnnxFields.Float, shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>float16 numbers, rounded to nearest.</summary>
    public static GraphConstant Half(string name, ReadOnlySpan<float> values, params long[] shape)
    {
        var halves = new Half[values.Length];
        for (var i = 0; i < halves.Length; i++)
            halves[i] = (Half)values[i];
        return new(name, OnnxFields.Float16, shape, MemoryMarshal.AsBytes(halves.AsSpan()).ToArray());
    }

    /// <summary>The constant as a TensorProto.</summary>
    public byte[] Encode()
    {
        using var tensor = new MemoryStream(Bytes.Length + 64);
        WriteHeader(tensor, Name, Element, Shape);
        ProtobufWriter.Field(tensor, OnnxFields.InitializerData, Bytes);
        return tensor.ToArray();
    }

    /// <summary>Writes the fields of a TensorProto except its data.</summary>
    public static void WriteHeader(MemoryStream tensor, string name, int element, long[] shape)
    {
        foreach (var size in shape)
            ProtobufWriter.Number(tensor, OnnxFields.InitializerDimension, size);
        ProtobufWriter.Number(tensor, OnnxFields.InitializerType, element);
        ProtobufWriter.Text(tensor, OnnxFields.InitializerName, name);
    }
}
