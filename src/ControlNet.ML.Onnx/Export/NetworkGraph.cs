using System.Globalization;

namespace ControlNet.ML.Onnx;

/// <summary>A complete graph, whose weights are named and not yet read.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Nodes">Its nodes, encoded as NodeProto, in the order of execution.</param>
/// <param name="Ports">Its inputs and outputs, encoded as ValueInfoProto, with their fields in a GraphProto.</param>
/// <param name="Constants">Its constants.</param>
/// <param name="Weights">Its weights.</param>
internal sealed record NetworkGraph(
    string Name,
    IReadOnlyList<byte[]> Nodes,
    IReadOnlyList<(int Field, byte[] Message)> Ports,
    IReadOnlyList<GraphConstant> Constants,
    IReadOnlyList<GraphWeight> Weights)
{
    /// <summary>
    /// The opset: 17 is the first with LayerNormalization, and the least that is needed, so that ONNX Runtime 1.12 and later run it.
    /// </summary>
    public const int Opset = 17;

    private const int Version = 8;

    /// <summary>The parameters of the checkpoint that it uses, once each.</summary>
    public IEnumerable<(string Name, long[] Shape)> Parameters =>
        Weights.DistinctBy(weight => weight.Parameter).Select(weight => (weight.Parameter, weight.ParameterShape));

    /// <summary>The number of bytes of its weights.</summary>
    public long WeightLength => Weights.Sum(weight => weight.Length);

    /// <summary>Encodes the graph as an ONNX file.</summary>
    /// <param name="writeData">Writes the data of a weight, or where it is, into a TensorProto that has name, type and shape.</param>
    public byte[] Encode(Action<GraphWeight, MemoryStream> writeData)
    {
        using var graph = new MemoryStream();
        foreach (var node in Nodes)
            ProtobufWriter.Field(graph, OnnxFields.GraphNode, node);
        ProtobufWriter.Text(graph, OnnxFields.GraphName, Name);
        foreach (var constant in Constants)
            ProtobufWriter.Field(graph, OnnxFields.GraphInitializer, constant.Encode());
        foreach (var weight in Weights)
        {
            using var tensor = new MemoryStream();
            GraphConstant.WriteHeader(tensor, weight.Name, weight.Element, weight.Shape);
            writeData(weight, tensor);
            ProtobufWriter.Field(graph, OnnxFields.GraphInitializer, Written(tensor));
        }

        foreach (var (field, port) in Ports)
            ProtobufWriter.Field(graph, field, port);

        using var opset = new MemoryStream();
        ProtobufWriter.Text(opset, OnnxFields.OpsetDomain, "");
        ProtobufWriter.Number(opset, OnnxFields.OpsetVersion, Opset);

        using var model = new MemoryStream();
        ProtobufWriter.Number(model, OnnxFields.ModelVersion, Version);
        ProtobufWriter.Text(model, OnnxFields.ModelProducer, "ControlNet.ML");
        ProtobufWriter.Text(model, OnnxFields.ModelProducerVersion, AssemblyVersion.Of(typeof(NetworkGraph).Assembly));
        ProtobufWriter.Field(model, OnnxFields.ModelGraph, Written(graph));
        ProtobufWriter.Field(model, OnnxFields.ModelOpset, Written(opset));
        return model.ToArray();
    }

    /// <summary>Writes into a TensorProto that its data is in another file.</summary>
    /// <param name="tensor">The TensorProto.</param>
    /// <param name="file">The file's name, in the folder of the graph.</param>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">The number of bytes.</param>
    public static void WriteExternal(MemoryStream tensor, string file, long offset, long length)
    {
        Entry("location", file);
        Entry("offset", offset.ToString(CultureInfo.InvariantCulture));
        Entry("length", length.ToString(CultureInfo.InvariantCulture));
        ProtobufWriter.Number(tensor, OnnxFields.InitializerLocation, OnnxFields.External);

        void Entry(string key, string value)
        {
            using var entry = new MemoryStream();
            ProtobufWriter.Text(entry, OnnxFields.EntryKey, key);
            ProtobufWriter.Text(entry, OnnxFields.EntryValue, value);
            ProtobufWriter.Field(tensor, OnnxFields.InitializerExternal, Written(entry));
        }
    }

    /// <summary>Encodes an input or output as a ValueInfoProto.</summary>
    public static byte[] EncodePort(string name, int element, ReadOnlySpan<GraphDimension> shape)
    {
        using var sizes = new MemoryStream();
        foreach (var size in shape)
        {
            using var dimension = new MemoryStream();
            if (size.Size is { } number)
                ProtobufWriter.Number(dimension, OnnxFields.DimensionValue, number);
            else
                ProtobufWriter.Text(dimension, OnnxFields.DimensionName, size.Name!);
            ProtobufWriter.Field(sizes, OnnxFields.ShapeDimension, Written(dimension));
        }

        using var tensor = new MemoryStream();
        ProtobufWriter.Number(tensor, OnnxFields.TensorElement, element);
        ProtobufWriter.Field(tensor, OnnxFields.TensorShape, Written(sizes));
        using var type = new MemoryStream();
        ProtobufWriter.Field(type, OnnxFields.TypeTensor, Written(tensor));
        using var value = new MemoryStream();
        ProtobufWriter.Text(value, OnnxFields.ValueName, name);
        ProtobufWriter.Field(value, OnnxFields.ValueType, Written(type));
        return value.ToArray();
    }

    private static ReadOnlySpan<byte> Written(MemoryStream stream) => stream.GetBuffer().AsSpan(0, (int)stream.Length);
}
