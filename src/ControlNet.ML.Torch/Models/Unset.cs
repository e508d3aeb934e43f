using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// Parameters whose values are not set. On the meta device (<see cref="OnMeta"/>) they have a shape and no memory at all, which is how
/// the names and shapes of a full-size network are listed.
/// </summary>
internal static class Unset
{
    [ThreadStatic]
    private static bool _meta;

    public static Parameter Parameter(params long[] shape) =>
        new(empty(shape, dtype: ScalarType.Float32, device: _meta ? META : CPU), requires_grad: false);

    /// <summary>Builds a network of which only names and shapes count.</summary>
    public static T OnMeta<T>(Func<T> build)
    {
        _meta = true;
        try
        {
            return build();
        }
        finally
        {
            _meta = false;
        }
    }
}
