namespace ControlNet.ML.Onnx;

/// <summary>How the numbers of a weight are stored.</summary>
internal enum WeightForm
{
    /// <summary>float32.</summary>
    Single,

    /// <summary>float16.</summary>
    Half,

    /// <summary>Signed 8 bits, to be multiplied by the <see cref="Scale"/> of their output channel.</summary>
    Int8,

    /// <summary>The float32 factors of the output channels of an <see cref="Int8"/> weight.</summary>
    Scale,
}

/// <summary>A weight of a graph: a parameter of the network, in the layout that an operation of ONNX takes.</summary>
/// <param name="Name">Its name in the graph.</param>
/// <param name="Parameter">The parameter's name in the checkpoint.</param>
/// <param name="ParameterShape">The parameter's shape there.</param>
/// <param name="Shape">The shape in the graph.</param>
/// <param name="Form">How its numbers are stored.</param>
/// <param name="IsTransposed">Whether it is the transposed matrix.</param>
internal sealed record GraphWeight(
    string Name, string Parameter, long[] ParameterShape, long[] Shape, WeightForm Form, bool IsTransposed)
{
    /// <summary>The element type, of <see cref="OnnxFields"/>.</summary>
    public int Element => Form switch
    {
        WeightForm.Half => OnnxFields.Float16,
        WeightForm.Int8 => OnnxFields.Int8,
        _ => OnnxFields.Float,
    };

    /// <summary>The number of bytes.</summary>
    public long Length => Shape.Aggregate(1L, (product, size) => checked(product * size)) * Form switch
    {
        WeightForm.Half => 2,
        WeightForm.Int8 => 1,
        _ => 4,
    };
}
