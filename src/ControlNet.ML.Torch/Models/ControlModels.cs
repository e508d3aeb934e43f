using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Torch.Models;

/// <summary>Creates the network for a configuration.</summary>
internal static class ControlModels
{
    /// <summary>Creates a network with unset weights.</summary>
    public static IControlModel Create(ControlNetConfig config, TorchDevice device) => config.Lite
        ? Unset.On(device.Type, device.Device, () => new ControlNetLiteModel(config))
        : Unset.On(device.Type, device.Device, () => new ControlNetModel(config));

    /// <summary>Creates a network and loads its weights.</summary>
    /// <param name="config">Its configuration.</param>
    /// <param name="weights">Its weights; every name and shape has to match.</param>
    /// <param name="device">Its device and data type.</param>
    /// <param name="loaded">Receives the number of bytes read.</param>
    /// <param name="cancellationToken">Checked before each tensor.</param>
    public static IControlModel Load(
        ControlNetConfig config, WeightSource weights, TorchDevice device, Action<long>? loaded = null,
        CancellationToken cancellationToken = default) => config.Lite
        ? StateDict.Load(() => new ControlNetLiteModel(config), weights, device.Type, device.Device, loaded, cancellationToken)
        : StateDict.Load(() => new ControlNetModel(config), weights, device.Type, device.Device, loaded, cancellationToken);
}
