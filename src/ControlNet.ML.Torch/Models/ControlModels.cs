using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Torch.Models;

/// <summary>The right network for a configuration.</summary>
internal static class ControlModels
{
    /// <summary>A network whose weights are not set.</summary>
    public static IControlModel Create(ControlNetConfig config, TorchDevice device) => config.Lite
        ? Unset.On(device.Type, device.Device, () => new ControlNetLiteModel(config))
        : Unset.On(device.Type, device.Device, () => new ControlNetModel(config));

    /// <summary>A network with its weights.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="weights">Every name and shape has to match.</param>
    /// <param name="device">Where it lies and in which numbers.</param>
    /// <param name="loaded">Told of the bytes read.</param>
    /// <param name="cancellationToken">Seen between tensors.</param>
    public static IControlModel Load(
        ControlNetConfig config, WeightSource weights, TorchDevice device, Action<long>? loaded = null, CancellationToken cancellationToken = default) => config.Lite
        ? StateDict.Load(() => new ControlNetLiteModel(config), weights, device.Type, device.Device, loaded, cancellationToken)
        : StateDict.Load(() => new ControlNetModel(config), weights, device.Type, device.Device, loaded, cancellationToken);
}
