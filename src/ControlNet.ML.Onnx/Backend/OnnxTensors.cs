using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>Values between managed memory and ONNX Runtime, in the types that a graph declares.</summary>
internal static class OnnxTensors
{
    /// <summary>Creates the value of an input. Floats are not copied: they must not change while the value is in use.</summary>
    /// <param name="port">The input, whose type is converted to.</param>
    /// <param name="values">The values, row-major.</param>
    /// <param name="shape">The sizes.</param>
    /// <returns>The value; the caller disposes it.</returns>
    public static OrtValue Create(OnnxPort port, float[] values, params ReadOnlySpan<int> shape)
    {
        var sizes = Array.ConvertAll(shape.ToArray(), size => (long)size);
        return port.Element switch
        {
            OnnxElement.Single => OrtValue.CreateTensorValueFromMemory(values, sizes),
            OnnxElement.Half => OrtValue.CreateTensorValueFromMemory(Halves(values), sizes),
            OnnxElement.Double => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, value => (double)value), sizes),
            OnnxElement.Int64 => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, value => (long)value), sizes),
            OnnxElement.Int32 => OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(values, value => (int)value), sizes),
            _ => throw new InvalidOperationException($"The input {port} has a type that no network has."),
        };
    }

    /// <summary>Creates the value of an input of any type that holds one number, repeated, such as a timestep.</summary>
    /// <param name="port">The input.</param>
    /// <param name="value">The number.</param>
    /// <param name="shape">The sizes; none for a scalar.</param>
    public static OrtValue Fill(OnnxPort port, double value, params ReadOnlySpan<int> shape)
    {
        var count = 1;
        foreach (var size in shape)
            count *= size;
        if (port.Element != OnnxElement.Double)
            return Create(port, [.. Enumerable.Repeat((float)value, count)], shape);
        return OrtValue.CreateTensorValueFromMemory(
            [.. Enumerable.Repeat(value, count)], Array.ConvertAll(shape.ToArray(), size => (long)size));
    }

    /// <summary>Creates a list of token ids, [1, tokens].</summary>
    public static OrtValue Ids(OnnxPort port, IReadOnlyList<int> ids) => port.Element == OnnxElement.Int32
        ? OrtValue.CreateTensorValueFromMemory<int>([.. ids], [1, ids.Count])
        : OrtValue.CreateTensorValueFromMemory<long>([.. ids.Select(id => (long)id)], [1, ids.Count]);

    /// <summary>The sizes of a value.</summary>
    public static int[] Shape(this OrtValue value) => Array.ConvertAll(value.GetTensorTypeAndShape().Shape, size => checked((int)size));

    /// <summary>Whether a value has float32 elements.</summary>
    public static bool IsSingle(this OrtValue value) =>
        value.GetTensorTypeAndShape().ElementDataType == Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float;

    /// <summary>Copies the values of an output, of float32 or float16.</summary>
    public static TensorData ToData(this OrtValue value)
    {
        var data = TensorData.Zeros(value.Shape());
        value.CopyTo(data.Values);
        return data;
    }

    /// <summary>Copies the first values of an output, of float32 or float16.</summary>
    public static void CopyTo(this OrtValue value, Span<float> destination)
    {
        if (value.IsSingle())
            value.GetTensorDataAsSpan<float>()[..destination.Length].CopyTo(destination);
        else
            TensorPrimitives.ConvertToSingle(
                MemoryMarshal.Cast<Float16, Half>(value.GetTensorDataAsSpan<Float16>())[..destination.Length], destination);
    }

    private static Float16[] Halves(float[] values)
    {
        var halves = new Float16[values.Length];
        TensorPrimitives.ConvertToHalf(values, MemoryMarshal.Cast<Float16, Half>(halves.AsSpan()));
        return halves;
    }
}
