using System.Text;

namespace ControlNet.ML.Onnx;

/// <summary>
/// The nodes of a graph, and names and shapes of its weights, read from the file without the weights' values.
/// </summary>
/// <param name="Source">The file's path.</param>
/// <param name="Signature">Inputs and outputs.</param>
/// <param name="Nodes">The nodes in order of execution, without those of subgraphs.</param>
/// <param name="Weights">The shapes of the weights by name.</param>
/// <param name="External">The names of the files with weights, as the graph writes them, relative to its folder.</param>
internal sealed record GraphOutline(
    string Source,
    OnnxSignature Signature,
    IReadOnlyList<GraphNode> Nodes,
    IReadOnlyDictionary<string, List<long>> Weights,
    IReadOnlyCollection<string> External)
{
    private const int MostNodes = 1 << 20;

    private readonly Lazy<Dictionary<string, GraphNode>> _made = new(() =>
        Nodes.SelectMany(node => node.Outputs.Select(output => (output, node))).DistinctBy(pair => pair.output)
            .ToDictionary(pair => pair.output, pair => pair.node));

    /// <summary>Reads a file.</summary>
    /// <exception cref="ControlNetException">It is missing, cannot be read or is not an ONNX graph.</exception>
    public static GraphOutline Read(string path)
    {
        using var file = MappedFile.Open(path);
        return Read(file.Bytes, path);
    }

    /// <summary>Reads a graph in memory.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="source">Its name, for messages.</param>
    public static GraphOutline Read(ReadOnlySpan<byte> file, string source)
    {
        var signature = OnnxSignature.Read(file, source);
        List<GraphNode> nodes = [];
        Dictionary<string, List<long>> weights = [];
        try
        {
            var model = new ProtobufReader(file);
            while (model.Next())
            {
                if (model.Field == OnnxFields.ModelGraph)
                    ReadGraph(model.Body, nodes, weights);
            }

            return new GraphOutline(source, signature, nodes, weights, ExternalWeights.Ends(file).Keys);
        }
        catch (Exception e) when (e is InvalidDataException or DecoderFallbackException)
        {
            throw OnnxSignature.Broken(source, e);
        }
    }

    /// <summary>
    /// The shape of a weight that a node reads, also through one node that only turns or casts it; null if it is not known.
    /// </summary>
    /// <param name="name">The name of the node's input.</param>
    public IReadOnlyList<long>? ShapeOf(string name)
    {
        if (Weights.TryGetValue(name, out var shape))
            return shape;
        if (_made.Value.GetValueOrDefault(name) is not { } node || !Weights.TryGetValue(node.Input(0), out shape))
            return null;
        return node.Operator switch
        {
            "Identity" or "Cast" or "DequantizeLinear" => shape,
            "Transpose" when shape is [var rows, var columns] => [columns, rows],
            _ => null,
        };
    }

    private static void ReadGraph(ReadOnlySpan<byte> graph, List<GraphNode> nodes, Dictionary<string, List<long>> weights)
    {
        var part = new ProtobufReader(graph);
        while (part.Next())
        {
            if (part.Field == OnnxFields.GraphNode && nodes.Count < MostNodes)
                nodes.Add(GraphNode.Read(part.Body));
            else if (part.Field == OnnxFields.GraphInitializer)
                weights[OnnxFields.ReadText(part.Body, OnnxFields.InitializerName)] =
                    OnnxFields.ReadNumbers(part.Body, OnnxFields.InitializerDimension);
        }
    }
}
