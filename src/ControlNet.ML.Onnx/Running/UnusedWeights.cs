namespace ControlNet.ML.Onnx;

/// <summary>Removes weights that no node reads: exporters leave some, and ONNX Runtime reports each on the standard error stream.</summary>
internal static class UnusedWeights
{
    /// <summary>Rewrites a graph. A graph with subgraphs, which may read weights too, is returned unchanged.</summary>
    /// <param name="file">An ONNX file, checked by <see cref="OnnxSignature"/>.</param>
    /// <returns>The new file.</returns>
    public static byte[] Strip(ReadOnlySpan<byte> file)
    {
        using var result = new MemoryStream(file.Length);
        var model = new ProtobufReader(file);
        while (model.Next())
        {
            if (model.Field == OnnxFields.ModelGraph && Read(model.Body) is { } read)
                ProtobufWriter.Field(result, model.Field, Graph(model.Body, read));
            else
                result.Write(model.Raw);
        }

        return result.ToArray();
    }

    private static byte[] Graph(ReadOnlySpan<byte> graph, HashSet<string> read)
    {
        using var result = new MemoryStream(graph.Length);
        var part = new ProtobufReader(graph);
        while (part.Next())
        {
            if (part.Field != OnnxFields.GraphInitializer || read.Contains(OnnxFields.ReadText(part.Body, OnnxFields.InitializerName)))
                result.Write(part.Raw);
        }

        return result.ToArray();
    }

    /// <summary>The names that nodes read and outputs return; null if a node has a subgraph.</summary>
    private static HashSet<string>? Read(ReadOnlySpan<byte> graph)
    {
        HashSet<string> names = [];
        var part = new ProtobufReader(graph);
        while (part.Next())
        {
            if (part.Field == OnnxFields.GraphOutput)
                names.Add(OnnxFields.ReadPort(part.Body).Name);
            if (part.Field != OnnxFields.GraphNode)
                continue;
            var node = new ProtobufReader(part.Body);
            while (node.Next())
            {
                if (node.Field == OnnxFields.NodeInput)
                    names.Add(OnnxFields.Text(node.Body));
                else if (node.Field == OnnxFields.NodeAttribute
                    && OnnxFields.Has(node.Body, OnnxFields.AttributeGraph, OnnxFields.AttributeGraphs))
                    return null;
            }
        }

        return names;
    }
}
