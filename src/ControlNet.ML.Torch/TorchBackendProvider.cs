using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Kernels;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Weights;

[assembly: BackendProvider(typeof(ControlNet.ML.Torch.TorchBackendProvider))]

namespace ControlNet.ML.Torch;

/// <summary>Networks on TorchSharp (libtorch), on CPU or NVIDIA GPU.</summary>
public sealed class TorchBackendProvider : IBackendProvider
{
    /// <inheritdoc/>
    public IDiffusionBackend Open(ModelFolder folder, LoadOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(options);
        TorchNative.EnsureLoaded();
        return TorchBackend.Load(folder, options, cancellationToken);
    }

    /// <inheritdoc/>
    public IControlBackend OpenControl(
        ControlNetConfig config, WeightSource weights, LoadOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(options);
        TorchNative.EnsureLoaded();
        var device = TorchDevice.From(options);
        if (options.ConditionEncoderOnly)
        {
            weights.Keep(name => name.StartsWith(KeyMap.ConditionEncoderPrefix, StringComparison.Ordinal));
            return new TorchControlBackend(
                config, StateDict.Load(
                    () => new ConditionEncoderModel(config),
                    weights,
                    device.Type,
                    device.Device,
                    Reporter(weights, options.Progress),
                    cancellationToken), device);
        }

        var network = ControlModels.Load(config, weights, device, Reporter(weights, options.Progress), cancellationToken);
        if (device.Kernels is not null)
            ChannelsLast.LayWeights((TorchSharp.torch.nn.Module)network);
        return new TorchControlBackend(config, network, device);
    }

    private static Action<long>? Reporter(WeightSource weights, IProgress<double>? progress)
    {
        if (progress is null)
            return null;
        double total = weights.Tensors.Values.Sum(tensor => tensor.ByteLength), done = 0;
        return bytes => progress.Report((done += bytes) / total);
    }
}
