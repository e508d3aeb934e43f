namespace ControlNet.ML.Onnx.Tests.Running;

/// <summary>Graphs of one node, written field by field.</summary>
internal static class TinyGraph
{
    private const int ModelVersion = 1, ModelOpset = 8, OpsetVersion = 2, TensorDimensions = 1;

    /// <summary>y = OPERATION(x, w), where x and y are float32 [n, 4] and the four values of w are in a file of their own.</summary>
    /// <param name="operation">An operation of two inputs.</param>
    /// <param name="weights">The file with w, relative to the graph.</param>
    /// <param name="offset">Where w begins in it.</param>
    public static byte[] WithExternalWeights(string operation = "Add", string weights = "weights.bin", int offset = 0) =>
        Model(Node(operation, "x", "w", "y"), External("w", 4, weights, offset), Port("x"), Port("y"));

    private static byte[] Model(byte[] node, byte[] weight, byte[] input, byte[] output) => Message(model =>
    {
        ProtobufWriter.Number(model, ModelVersion, 8);
        ProtobufWriter.Field(model, ModelOpset, Message(opset => ProtobufWriter.Number(opset, OpsetVersion, 17)));
        ProtobufWriter.Field(model, OnnxFields.ModelGraph, Message(graph =>
        {
            ProtobufWriter.Field(graph, OnnxFields.GraphNode, node);
            ProtobufWriter.Field(graph, 2, "tiny"u8);
            ProtobufWriter.Field(graph, OnnxFields.GraphInitializer, weight);
            ProtobufWriter.Field(graph, OnnxFields.GraphInput, input);
            ProtobufWriter.Field(graph, OnnxFields.GraphOutput, output);
        }));
    });

    private static byte[] Node(string operation, string first, string second, string result) => Message(node =>
    {
        Text(node, OnnxFields.NodeInput, first);
        Text(node, OnnxFields.NodeInput, second);
        Text(node, OnnxFields.NodeOutput, result);
        Text(node, OnnxFields.NodeOperator, operation);
    });

    private static byte[] External(string name, int count, string file, int offset) => Message(tensor =>
    {
        ProtobufWriter.Number(tensor, TensorDimensions, count);
        ProtobufWriter.Number(tensor, OnnxFields.InitializerType, OnnxFields.Float);
        Text(tensor, OnnxFields.InitializerName, name);
        foreach (var (key, value) in new[] { ("location", file), ("offset", $"{offset}"), ("length", $"{4 * count}") })
        {
            ProtobufWriter.Field(tensor, OnnxFields.InitializerExternal, Message(entry =>
            {
                Text(entry, OnnxFields.EntryKey, key);
                Text(entry, OnnxFields.EntryValue, value);
            }));
        }

        ProtobufWriter.Number(tensor, OnnxFields.InitializerLocation, OnnxFields.External);
    });

    private static byte[] Port(string name) => Message(value =>
    {
        Text(value, OnnxFields.ValueName, name);
        ProtobufWriter.Field(value, OnnxFields.ValueType, Message(type => ProtobufWriter.Field(type, OnnxFields.TypeTensor, Message(tensor =>
        {
            ProtobufWriter.Number(tensor, OnnxFields.TensorElement, OnnxFields.Float);
            ProtobufWriter.Field(tensor, OnnxFields.TensorShape, Message(shape =>
            {
                ProtobufWriter.Field(shape, OnnxFields.ShapeDimension, Message(n => Text(n, 2, "n")));
                ProtobufWriter.Field(shape, OnnxFields.ShapeDimension, Message(four => ProtobufWriter.Number(four, OnnxFields.DimensionValue, 4)));
            }));
        }))));
    });

    private static void Text(MemoryStream target, int field, string text) =>
        ProtobufWriter.Field(target, field, System.Text.Encoding.UTF8.GetBytes(text));

    private static byte[] Message(Action<MemoryStream> write)
    {
        using var stream = new MemoryStream();
        write(stream);
        return stream.ToArray();
    }
}
