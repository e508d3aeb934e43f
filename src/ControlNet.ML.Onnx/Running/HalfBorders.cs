using System.Text;

namespace ControlNet.ML.Onnx;

/// <summary>
/// Rewrites a float16 graph for Microsoft.ML.OnnxTransformer, which does not support that type: adds a Cast at each float16 input and
/// output, and turns weights into constants, whose types it does not check. The network still computes in float16.
/// </summary>
internal static class HalfBorders
{
    private const string Suffix = "_float32";

    /// <summary>Whether a graph has to be rewritten.</summary>
    /// <param name="file">An ONNX file, checked by <see cref="OnnxSignature"/>.</param>
    public static bool AreIn(ReadOnlySpan<byte> file)
    {
        var part = new ProtobufReader(GraphOf(file));
        while (part.Next())
        {
            if ((part.Field == OnnxFields.GraphInitializer && IsHalf(part.Body))
                || (part.Field is OnnxFields.GraphInput or OnnxFields.GraphOutput
                    && OnnxFields.ReadPort(part.Body).Element == OnnxElement.Half))
                return true;
        }

        return false;
    }

    /// <summary>Rewrites a graph.</summary>
    /// <param name="file">An ONNX file, checked by <see cref="OnnxSignature"/>.</param>
    /// <param name="source">The file's name, for errors.</param>
    /// <returns>The new file; the names of float16 inputs and outputs get the suffix <c>_float32</c>.</returns>
    /// <exception cref="ControlNetException">The weights are in a second file.</exception>
    public static byte[] Widen(ReadOnlySpan<byte> file, string source)
    {
        using var result = new MemoryStream(file.Length + 1024);
        var model = new ProtobufReader(file);
        while (model.Next())
        {
            if (model.Field == OnnxFields.ModelGraph)
                ProtobufWriter.Field(result, model.Field, Graph(model.Body, source));
            else
                result.Write(model.Raw);
        }

        return result.ToArray();
    }

    /// <summary>The name of a port after the rewrite.</summary>
    public static string NameOf(OnnxPort port) => port.Element == OnnxElement.Half ? port.Name + Suffix : port.Name;

    private static byte[] Graph(ReadOnlySpan<byte> graph, string source)
    {
        // Nodes are in execution order: casts of inputs and constants first, casts of outputs last.
        using var before = new MemoryStream();
        using var parts = new MemoryStream(graph.Length);
        using var after = new MemoryStream();
        var weights = HalfWeights(graph);
        var part = new ProtobufReader(graph);
        while (part.Next())
        {
            if (part.Field == OnnxFields.GraphInitializer && IsHalf(part.Body))
            {
                if (OnnxFields.ReadNumber(part.Body, OnnxFields.InitializerLocation) != 0)
                    throw new ControlNetException(
                        $"{source} has float16 weights in a second file, which cannot be loaded: save it as one file.");
                ProtobufWriter.Field(
                    before, OnnxFields.GraphNode, Constant(OnnxFields.ReadText(part.Body, OnnxFields.InitializerName), part.Body));
                continue;
            }

            if (part.Field is not (OnnxFields.GraphInput or OnnxFields.GraphOutput)
                || OnnxFields.ReadPort(part.Body) is not { Element: OnnxElement.Half } port)
                parts.Write(part.Raw);
            else if (part.Field == OnnxFields.GraphOutput)
                Border(parts, part.Field, port, after, Cast(port.Name, NameOf(port), OnnxFields.Float));
            else if (!weights.Contains(port.Name))
                Border(parts, part.Field, port, before, Cast(NameOf(port), port.Name, OnnxFields.Float16));
        }

        return [.. before.ToArray(), .. parts.ToArray(), .. after.ToArray()];
    }

    private static void Border(MemoryStream parts, int field, OnnxPort port, MemoryStream nodes, byte[] cast)
    {
        ProtobufWriter.Field(parts, field, Value(NameOf(port), port.Shape));
        ProtobufWriter.Field(nodes, OnnxFields.GraphNode, cast);
    }

    private static ReadOnlySpan<byte> GraphOf(ReadOnlySpan<byte> file)
    {
        var model = new ProtobufReader(file);
        while (model.Next())
        {
            if (model.Field == OnnxFields.ModelGraph)
                return model.Body;
        }

        return default;
    }

    private static HashSet<string> HalfWeights(ReadOnlySpan<byte> graph)
    {
        HashSet<string> names = [];
        var part = new ProtobufReader(graph);
        while (part.Next())
        {
            if (part.Field == OnnxFields.GraphInitializer && IsHalf(part.Body))
                names.Add(OnnxFields.ReadText(part.Body, OnnxFields.InitializerName));
        }

        return names;
    }

    private static bool IsHalf(ReadOnlySpan<byte> initializer) =>
        OnnxFields.ReadNumber(initializer, OnnxFields.InitializerType) is OnnxFields.Float16 or OnnxFields.BFloat16;

    private static byte[] Constant(string name, ReadOnlySpan<byte> tensor)
    {
        using var attribute = new MemoryStream(tensor.Length + 64);
        ProtobufWriter.Field(attribute, OnnxFields.AttributeName, "value"u8);
        ProtobufWriter.Field(attribute, OnnxFields.AttributeTensor, tensor);
        ProtobufWriter.Number(attribute, OnnxFields.AttributeType, OnnxFields.Tensor);
        return Node("Constant"u8, null, name, attribute.ToArray());
    }

    private static byte[] Cast(string from, string to, int element)
    {
        using var attribute = new MemoryStream();
        ProtobufWriter.Field(attribute, OnnxFields.AttributeName, "to"u8);
        ProtobufWriter.Number(attribute, OnnxFields.AttributeInteger, element);
        ProtobufWriter.Number(attribute, OnnxFields.AttributeType, OnnxFields.Integer);
        return Node("Cast"u8, from, to, attribute.ToArray());
    }

    private static byte[] Node(ReadOnlySpan<byte> operation, string? from, string to, byte[] attribute)
    {
        using var node = new MemoryStream(attribute.Length + 256);
        if (from is not null)
            ProtobufWriter.Field(node, OnnxFields.NodeInput, Encoding.UTF8.GetBytes(from));
        ProtobufWriter.Field(node, OnnxFields.NodeOutput, Encoding.UTF8.GetBytes(to));
        ProtobufWriter.Field(node, OnnxFields.NodeOperator, operation);
        ProtobufWriter.Field(node, OnnxFields.NodeAttribute, attribute);
        return node.ToArray();
    }

    private static byte[] Value(string name, IReadOnlyList<int> sizes)
    {
        using var shape = new MemoryStream();
        foreach (var size in sizes)
        {
            using var dimension = new MemoryStream();
            if (size >= 0)
                ProtobufWriter.Number(dimension, OnnxFields.DimensionValue, size);
            ProtobufWriter.Field(shape, OnnxFields.ShapeDimension, dimension.ToArray());
        }

        using var tensor = new MemoryStream();
        ProtobufWriter.Number(tensor, OnnxFields.TensorElement, OnnxFields.Float);
        ProtobufWriter.Field(tensor, OnnxFields.TensorShape, shape.ToArray());
        using var type = new MemoryStream();
        ProtobufWriter.Field(type, OnnxFields.TypeTensor, tensor.ToArray());
        using var value = new MemoryStream();
        ProtobufWriter.Field(value, OnnxFields.ValueName, Encoding.UTF8.GetBytes(name));
        ProtobufWriter.Field(value, OnnxFields.ValueType, type.ToArray());
        return value.ToArray();
    }
}
