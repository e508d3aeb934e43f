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
        // TorchSharp's tensor stays in the managed array's own memory, which lies at odd places; matrix products give other last digits
        // there. The copy lies where libtorch aligns it.
        using var values = tensor(data.Values, shape);
        return values.to(type, device, copy: true);
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
