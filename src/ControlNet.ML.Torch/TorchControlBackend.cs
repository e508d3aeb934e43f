using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>A control network on torch.</summary>
internal sealed class TorchControlBackend(ControlNetConfig config, ControlNetModel network, TorchDevice device) : IControlBackend
{
    public ControlNetConfig Config { get; } = config;

    public ControlNetModel Network { get; } = network;

    public TorchDevice Device { get; } = device;

    public TensorData EncodeCondition(TensorData condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return Network.EncodeCondition(condition.ToTorch(Device.Type, Device.Device)).ToData();
    }

    public void Dispose() => Network.Dispose();
}
