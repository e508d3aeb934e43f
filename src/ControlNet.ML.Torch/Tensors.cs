using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>Conversions between managed values and torch tensors.</summary>
internal static class Tensors
{
    /// <summary>Copies the values into a tensor.</summary>
    public static Tensor ToTorch(this TensorData data, ScalarType type, Device device)
    {
        long[] shape = [.. data.Shape.ToArray().Select(size => (long)size)];
        // TorchSharp's tensor shares the managed array's memory, which is not aligned, and matrix products then have different last
        // digits. libtorch aligns the copy.
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
