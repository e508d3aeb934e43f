namespace ControlNet.ML.Onnx;

/// <summary>A node of a graph, as far as configurations are read from it.</summary>
/// <param name="Operator">The operator, <c>Conv</c>.</param>
/// <param name="Inputs">The names of its inputs; empty for one that is left out.</param>
/// <param name="Outputs">The names of its outputs.</param>
/// <param name="Stride">The first of its strides; 1 without any.</param>
internal sealed record GraphNode(string Operator, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs, int Stride)
{
    /// <summary>Reads a NodeProto.</summary>
    public static GraphNode Read(ReadOnlySpan<byte> node)
    {
        List<string> inputs = [], outputs = [];
        var (type, stride) = ("", 1);
        var field = new ProtobufReader(node);
        while (field.Next())
        {
            switch (field.Field)
            {
                case OnnxFields.NodeInput: inputs.Add(OnnxFields.Text(field.Body)); break;
                case OnnxFields.NodeOutput: outputs.Add(OnnxFields.Text(field.Body)); break;
                case OnnxFields.NodeOperator: type = OnnxFields.Text(field.Body); break;
                case OnnxFields.NodeAttribute when OnnxFields.ReadText(field.Body, OnnxFields.AttributeName) == "strides":
                    stride = OnnxFields.ReadNumbers(field.Body, OnnxFields.AttributeIntegers) is [var first, ..] ? (int)first : 1;
                    break;
                default: break;
            }
        }

        return new GraphNode(type, inputs, outputs, stride);
    }

    /// <summary>The input at a position; empty if there is none.</summary>
    public string Input(int position) => position < Inputs.Count ? Inputs[position] : "";
}
