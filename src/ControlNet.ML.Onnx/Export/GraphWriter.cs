namespace ControlNet.ML.Onnx;

/// <summary>Writes the graphs of one folder: with their weights inside, or with weights in one data file that all of them share.</summary>
internal static class GraphWriter
{
    /// <summary>The ending of the file of weights, as optimum names it.</summary>
    public const string DataEnding = "_data";

    /// <summary>
    /// A graph with more bytes of weights than this has them in a second file, which is mapped rather than read: 100 MB.
    /// </summary>
    public const long LargestInside = 100_000_000;

    // Weights of this size begin at a multiple of the granularity with which Windows maps files, so that every system can map them.
    private const long Large = 1 << 20, MapAlignment = 1 << 16, Alignment = 64;

    /// <summary>Writes graphs.</summary>
    /// <param name="folder">The folder, which exists.</param>
    /// <param name="graphs">The graphs by file name; the first one's name is also that of the data file.</param>
    /// <param name="weights">Their weights.</param>
    /// <param name="written">Receives the number of bytes of weights written.</param>
    /// <param name="cancellationToken">Checked before each weight.</param>
    public static void Write(
        string folder, IReadOnlyList<(string File, NetworkGraph Graph)> graphs, GraphWeights weights, Action<long> written,
        CancellationToken cancellationToken)
    {
        var isInside = graphs.Count == 1 && graphs[0].Graph.WeightLength <= LargestInside;
        var places = new Dictionary<string, long>();
        var data = graphs[0].File + DataEnding;
        if (!isInside)
            places = WriteData(Path.Combine(folder, data), graphs, weights, written, cancellationToken);
        foreach (var (file, graph) in graphs)
        {
            var bytes = graph.Encode((weight, tensor) =>
            {
                if (!isInside)
                {
                    NetworkGraph.WriteExternal(tensor, data, places[weight.Name], weight.Length);
                    return;
                }

                cancellationToken.ThrowIfCancellationRequested();
                using var content = new MemoryStream(checked((int)weight.Length));
                weights.Write(weight, content);
                ProtobufWriter.Field(tensor, OnnxFields.InitializerData, content.GetBuffer().AsSpan(0, (int)content.Length));
                written(weight.Length);
            });
            AtomicFile.Write(Path.Combine(folder, file), stream => stream.Write(bytes));
        }
    }

    /// <summary>Writes each weight once.</summary>
    /// <returns>The first byte of each, by name.</returns>
    private static Dictionary<string, long> WriteData(
        string path, IReadOnlyList<(string File, NetworkGraph Graph)> graphs, GraphWeights weights, Action<long> written,
        CancellationToken cancellationToken)
    {
        var places = new Dictionary<string, long>();
        AtomicFile.Write(path, stream =>
        {
            foreach (var weight in graphs.SelectMany(entry => entry.Graph.Weights).DistinctBy(weight => weight.Name))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var alignment = weight.Length >= Large ? MapAlignment : Alignment;
                stream.Position = (stream.Position + alignment - 1) / alignment * alignment;
                places.Add(weight.Name, stream.Position);
                weights.Write(weight, stream);
                written(weight.Length);
            }
        });
        return places;
    }
}
