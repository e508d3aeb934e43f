using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// Parameters whose values are not set. Where and in which numbers they are made is set around the building of a network; on the
/// meta device they have a shape and no memory at all, which is how the names and shapes of a full-size network are listed.
/// </summary>
internal static class Unset
{
    [ThreadStatic]
    private static (ScalarType Type, Device Device)? _place;

    public static Parameter Parameter(params long[] shape)
    {
        var (type, device) = _place ?? (ScalarType.Float32, CPU);

        // A parameter has a handle of its own on the same values; that of the tensor would stay until the collector finds it.
        using var values = empty(shape, dtype: type, device: device);
        return new Parameter(values, requires_grad: false);
    }

    /// <summary>Builds a network whose parameters have this type and lie on this device.</summary>
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
