namespace ControlNet.ML.Onnx;

/// <summary>An attribute of a node, encoded as an AttributeProto.</summary>
/// <param name="Message">The encoded attribute.</param>
internal readonly record struct GraphAttribute(byte[] Message)
{
    /// <summary>An integer.</summary>
    public static GraphAttribute Of(string name, long value) => Encode(
        name, OnnxFields.Integer, message => ProtobufWriter.Number(message, OnnxFields.AttributeInteger, value));

    /// <summary>A float.</summary>
    public static GraphAttribute Of(string name, double value) => Encode(
        name, OnnxFields.Real, message => ProtobufWriter.Single(message, OnnxFields.AttributeFloat, (float)value));

    /// <summary>A string.</summary>
    public static GraphAttribute Of(string name, string value) => Encode(
        name, OnnxFields.String, message => ProtobufWriter.Text(message, OnnxFields.AttributeText, value));

    /// <summary>A list of integers.</summary>
    public static GraphAttribute Of(string name, long[] values) => Encode(name, OnnxFields.Integers, message =>
    {
        foreach (var value in values)
            ProtobufWriter.Number(message, OnnxFields.AttributeIntegers, value);
    });

    /// <summary>A tensor.</summary>
    public static GraphAttribute Of(string name, GraphConstant value) => Encode(
        name, OnnxFields.Tensor, message => ProtobufWriter.Field(message, OnnxFields.AttributeTensor, value.Encode()));

    private static GraphAttribute Encode(string name, int type, Action<MemoryStream> write)
    {
        using var message = new MemoryStream();
        ProtobufWriter.Text(message, OnnxFields.AttributeName, name);
        write(message);
        ProtobufWriter.Number(message, OnnxFields.AttributeType, type);
        return new GraphAttribute(message.ToArray());
    }
}
