using System.Text;

namespace ControlNet.ML.Onnx;

/// <summary>The field numbers of onnx.proto that are used here.</summary>
internal static class OnnxFields
{
    public const int ModelGraph = 7;
    public const int GraphNode = 1, GraphInitializer = 5, GraphInput = 11, GraphOutput = 12;
    public const int InitializerDimension = 1, InitializerType = 2, InitializerName = 8, InitializerExternal = 13, InitializerLocation = 14;
    public const int EntryKey = 1, EntryValue = 2;
    public const int ValueName = 1, ValueType = 2;
    public const int TypeTensor = 1, TensorElement = 1, TensorShape = 2;
    public const int ShapeDimension = 1, DimensionValue = 1;
    public const int NodeInput = 1, NodeOutput = 2, NodeOperator = 4, NodeAttribute = 5;
    public const int AttributeName = 1, AttributeInteger = 3, AttributeTensor = 5, AttributeGraph = 6, AttributeIntegers = 8,
    AttributeGraphs = 11, AttributeType = 20;

    /// <summary>Element types.</summary>
    public const int Float = 1, Int32 = 6, Int64 = 7, Float16 = 10, Double = 11;

    /// <summary>The location of weights in a file of their own.</summary>
    public const int External = 1;

    /// <summary>Types of attributes.</summary>
    public const int Integer = 2, Tensor = 4;

    /// <summary>Fields that are only written.</summary>
    public const int ModelVersion = 1, ModelProducer = 2, ModelProducerVersion = 3, ModelOpset = 8, OpsetDomain = 1, OpsetVersion = 2,
    GraphName = 2, NodeName = 3, InitializerData = 9, DimensionName = 2, AttributeFloat = 2, AttributeText = 4;

    /// <summary>Element and attribute types that are only written.</summary>
    public const int Int8 = 3, Real = 1, String = 3, Integers = 7;

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Reads a ValueInfoProto.</summary>
    public static OnnxPort ReadPort(ReadOnlySpan<byte> value)
    {
        var element = OnnxElement.Other;
        List<int> shape = [];
        var tensor = new ProtobufReader(Field(Field(value, ValueType), TypeTensor));
        while (tensor.Next())
        {
            if (tensor.Field == TensorElement)
                element = ElementOf(tensor.Number);
            else if (tensor.Field == TensorShape)
                ReadShape(tensor.Body, shape);
        }

        return new OnnxPort(ReadText(value, ValueName), element, shape);
    }

    /// <summary>The text of a field; empty if it is missing.</summary>
    public static string ReadText(ReadOnlySpan<byte> message, int field) => Text(Field(message, field));

    /// <summary>Bytes as text.</summary>
    public static string Text(ReadOnlySpan<byte> bytes) => Strict.GetString(bytes);

    /// <summary>Whether a message has any of the given fields.</summary>
    public static bool Has(ReadOnlySpan<byte> message, params ReadOnlySpan<int> fields)
    {
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            if (fields.Contains(reader.Field))
                return true;
        }

        return false;
    }

    /// <summary>The integer value of a field; 0 if it is missing.</summary>
    public static long ReadNumber(ReadOnlySpan<byte> message, int field)
    {
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            if (reader.Field == field)
                return reader.Number;
        }

        return 0;
    }

    /// <summary>The integer values of a repeated field, packed or not; a shape or an attribute has few.</summary>
    /// <exception cref="InvalidDataException">There are too many.</exception>
    public static List<long> ReadNumbers(ReadOnlySpan<byte> message, int field)
    {
        const int most = 64;
        List<long> numbers = [];
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            if (reader.Field != field)
                continue;
            if (reader.Body.IsEmpty)
                numbers.Add(reader.Number);
            else
                ProtobufReader.Unpack(reader.Body, numbers, most);
            if (numbers.Count > most)
                throw new InvalidDataException($"a list has more than {most} numbers");
        }

        return numbers;
    }

    private static void ReadShape(ReadOnlySpan<byte> shape, List<int> sizes)
    {
        var dimensions = new ProtobufReader(shape);
        while (dimensions.Next())
        {
            if (dimensions.Field != ShapeDimension)
                continue;
            var size = -1L;
            var dimension = new ProtobufReader(dimensions.Body);
            while (dimension.Next())
            {
                if (dimension.Field == DimensionValue)
                    size = dimension.Number;
            }

            // Some exporters write 0 for dynamic sizes.
            sizes.Add(size is > 0 and <= int.MaxValue ? (int)size : -1);
        }
    }

    private static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> message, int field)
    {
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            if (reader.Field == field)
                return reader.Body;
        }

        return default;
    }

    private static OnnxElement ElementOf(long number) => number switch
    {
        Float => OnnxElement.Single,
        Int32 => OnnxElement.Int32,
        Int64 => OnnxElement.Int64,
        Double => OnnxElement.Double,
        Float16 => OnnxElement.Half,
        _ => OnnxElement.Other,
    };
}
