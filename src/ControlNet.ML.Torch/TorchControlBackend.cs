using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>A control network on torch.</summary>
internal sealed class TorchControlBackend : IControlBackend
{
    private readonly IControlModel? _network;
    private readonly ConditionEncoderModel? _encoder;

    /// <summary>The whole network.</summary>
    public TorchControlBackend(ControlNetConfig config, IControlModel network, TorchDevice device) =>
        (Config, _network, Device, Use) = (config, network, device, UseOf(device));

    /// <summary>Only its condition encoder.</summary>
    public TorchControlBackend(ControlNetConfig config, ConditionEncoderModel encoder, TorchDevice device) =>
        (Config, _encoder, Device, Use) = (config, encoder, device, UseOf(device));

    public ControlNetConfig Config { get; }

    public IControlModel Network => _network
        ?? throw new InvalidOperationException($"The control network was loaded with its condition encoder alone "
            + $"({nameof(LoadOptions)}.{nameof(LoadOptions.ConditionEncoderOnly)}).");

    public TorchDevice Device { get; }

    /// <summary>Guards the network while calls compute on it.</summary>
    public NetworkUse Use { get; }

    public TensorData EncodeCondition(TensorData condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        const string what = "Encoding a condition";
        var (height, width) = (condition.Shape[^2], condition.Shape[^1]);
        if (Device.Device.type == TorchSharp.DeviceType.CPU)
            ImageMemory.Ensure(ImageMemory.Condition(Config, width, height, Device.NumberSize), width, height, what);
        return Use.Run(what, width, height, () =>
        {
            var image = condition.ToTorch(Device.Type, Device.Device);
            return (_encoder?.EncodeCondition(image) ?? Network.EncodeCondition(image)).ToData();
        });
    }

    public IReadOnlyList<TensorData> Residuals(TensorData sample, double timestep, DenoiserInputs inputs, TensorData hint)
    {
        ArgumentNullException.ThrowIfNull(sample);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(hint);
        return Use.Run<TensorData[]>("Running a control network on latents", sample.Shape[^1], sample.Shape[^2], () =>
        {
            var x = Place(sample);
            var given = new UNetInputs(
                empty([x.shape[0]], dtype: ScalarType.Float32, device: Device.Device).FillInPlace(timestep),
                Place(inputs.Text),
                inputs.PooledText is { } pooled ? Place(pooled) : null,
                inputs.TimeIds is { } sizes ? Place(sizes) : null);
            var residuals = Network.Forward(x, given, Place(hint));
            return [.. residuals.Skips.Append(residuals.Middle).Select(residual => residual.ToData())];
        });

        Tensor Place(TensorData data) => data.ToTorch(Device.Type, Device.Device);
    }

    private static NetworkUse UseOf(TorchDevice device) => new(typeof(ControlNetwork), device.Kernels);

    public void Dispose() => Use.Close(() =>
    {
        _network?.Dispose();
        _encoder?.Dispose();
    });
}
