using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// Parameters with unset values. Their device and data type are set around the construction of a network; on the
/// meta device they have a shape but no memory, which is how the names and shapes of a full-size network are listed.
/// </summary>
internal static class Unset
{
    [ThreadStatic]
    private static (ScalarType Type, Device Device)? _place;

    public static Parameter Parameter(params long[] shape)
    {
        var (type, device) = _place ?? (ScalarType.Float32, CPU);

        // A parameter has its own handle on the same values; the tensor's handle would stay until it is garbage-collected.
        using var values = empty(shape, dtype: type, device: device);
        return new Parameter(values, requires_grad: false);
    }

    /// <summary>Builds a network whose parameters have this data type and device.</summary>
    public static T On<T>(ScalarType type, Device device, Func<T> build)
    {
        var before = _place;
        _place = (type, device);
        try
        {
            return build();
        }
        finally
        {
            _place = before;
        }
    }
}
