using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>Between managed values and torch's tensors.</summary>
internal static class Tensors
{
    /// <summary>A tensor with these values.</summary>
    public static Tensor ToTorch(this TensorData data, ScalarType type, Device device)
    {
        long[] shape = [.. data.Shape.ToArray().Select(size => (long)size)];
        var values = tensor(data.Values, shape);
        return type == ScalarType.Float32 && device.type == TorchSharp.DeviceType.CPU ? values : values.to(type, device, disposeAfter: true);
    }

    /// <summary>The values of a tensor, as float.</summary>
    public static TensorData ToData(this Tensor tensor)
    {
        var data = TensorData.Zeros([.. tensor.shape.Select(size => checked((int)size))]);
        tensor.CopyTo(data.Values);
        return data;
    }

    /// <summary>Copies the values of a tensor, as float.</summary>
    public static void CopyTo(this Tensor tensor, Span<float> destination)
    {
        using var scope = NewDisposeScope();
        var values = tensor.to(ScalarType.Float32, CPU).contiguous();
        MemoryMarshal.Cast<byte, float>(values.bytes).CopyTo(destination);
    }
}
