using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Weights;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// Creates the control network to train: a trainable copy of the UNet's encoder with zero convolutions (paper section 3.1), or an existing
/// network.
/// </summary>
internal static class TrainedNetwork
{
    /// <summary>The configuration of the network to train.</summary>
    /// <exception cref="ControlNetException">The condition encoder's output does not have the latents' size.</exception>
    public static ControlNetConfig Config(ModelFolder folder, TrainingOptions options)
    {
        if (options.InitialControl is { } name)
            return ControlSource.Open(ModelNames.FindControl(name)).Config;

        var config = ControlNetConfig.FromUNet(folder.UNet) with
        {
            ConditioningEmbeddingOutChannels = [.. options.ConditioningEmbeddingOutChannels],
            Lite = options.Ablation == Ablation.Lite,
        };
        if (config.ConditionScale != folder.Autoencoder.ScaleFactor)
        {
            throw new ControlNetException(
                $"The condition encoder's {config.ConditioningEmbeddingOutChannels.Length} blocks make conditions "
                    + $"{config.ConditionScale} times smaller, expected {folder.Autoencoder.ScaleFactor} times, as the autoencoder makes "
                    + $"images: change the number of {nameof(options.ConditioningEmbeddingOutChannels)}.");
        }

        config.Check(nameof(TrainingOptions));
        return config;
    }

    /// <summary>Creates the network in its initial state: the copy, or <see cref="TrainingOptions.InitialControl"/>.</summary>
    public static IControlModel Create(
        ControlNetConfig config, DiffusionModel model, UNet2DConditionModel unet, TorchDevice device, TrainingOptions options)
    {
        if (options.InitialControl is null)
            return FromUNet(config, unet, device, Seeds.Mix(options.Seed, Seeds.Network, 0), options.Ablation == Ablation.Gaussian);
        using var weights = OpenControl(options.InitialControl);
        var network = ControlModels.Load(config, weights, device);
        if (options.InitialBase is { } name)
            Transfer(network, OpenBase(name, model.Options), unet);
        return network;
    }

    /// <summary>
    /// p_new = p_control + p_target - p_source for the weights of the encoder's copy; the control network's other weights stay.
    /// </summary>
    private static void Transfer(IControlModel network, ModelFolder source, UNet2DConditionModel target)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var weights = source.OpenWeights("unet");
        var targets = target.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var (name, parameter) in network.named_parameters())
        {
            if (!targets.TryGetValue(name, out var own))
                continue;
            if (!weights.Tensors.TryGetValue(name, out var before) || !before.Shape.AsSpan().SequenceEqual(parameter.shape))
                throw new ControlNetException($"{weights.Name}: {Message.Name(name)} is missing or has another shape than in the control "
                    + $"network, which was trained for another base.");
            var values = new float[before.Count];
            before.CopyTo(values);
            parameter.PlusInPlace(own - tensor(values, before.Shape).to(own.dtype, own.device));
        }
    }

    private static ModelFolder OpenBase(string name, LoadOptions options)
    {
        var path = ModelNames.FindModel(name, options with { Parts = ModelParts.UNet, Progress = null });
        return ModelFolder.Open(path, options.Variant, ModelParts.UNet);
    }

    private static WeightSource OpenControl(string name) => ControlSource.Open(ModelNames.FindControl(name)).OpenWeights();

    /// <summary>
    /// The copy: encoder and middle block from the UNet; condition encoder random, as torch initialises convolutions, but zero in its last
    /// convolution; zero convolutions zero. ControlNet-lite copies only the first convolution; those that replace the blocks are random.
    /// </summary>
    /// <param name="config">The network's configuration, <see cref="ControlNetConfig.FromUNet"/> of the UNet's.</param>
    /// <param name="unet">The UNet.</param>
    /// <param name="device">Device and precision.</param>
    /// <param name="seed">Seed of the random weights.</param>
    /// <param name="gaussian">The paper's ablation: Gaussian weights instead of zeros.</param>
    public static IControlModel FromUNet(
        ControlNetConfig config, UNet2DConditionModel unet, TorchDevice device, ulong seed, bool gaussian = false)
    {
        var network = ControlModels.Create(config, device);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var random = new TorchRandom(seed);
        var sources = unet.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var (name, parameter) in network.named_parameters())
        {
            if (sources.TryGetValue(name, out var source))
                parameter.copy_(source);
        }

        foreach (var convolution in HintConvolutions(network.Hint))
            Kaiming(convolution, random);
        foreach (var convolution in (network as ControlNetLiteModel)?.Blocks ?? [])
            Kaiming(convolution, random);
        foreach (var convolution in network.ZeroConvolutions)
            Zero(convolution, gaussian ? random : null);
        network.train();
        return network;
    }

    /// <summary>
    /// The decoder's parameters, trained if it is unlocked (<c>sd_locked = False</c>): up blocks, last norm, last convolution.
    /// </summary>
    public static IEnumerable<(string Name, TorchSharp.Modules.Parameter Parameter)> Decoder(UNet2DConditionModel unet) =>
        unet.named_parameters()
            .Where(entry => entry.name.StartsWith("up_blocks.", StringComparison.Ordinal)
                || entry.name.StartsWith("conv_norm_out.", StringComparison.Ordinal)
                || entry.name.StartsWith("conv_out.", StringComparison.Ordinal))
            .Select(entry => (entry.name, entry.parameter));

    private static IEnumerable<Convolution> HintConvolutions(ConditionEncoder encoder) => [encoder.conv_in, .. encoder.blocks];

    /// <summary>torch's <c>Conv2d.reset_parameters</c>: weights and biases uniform within ±1/√(inputs · kernel²).</summary>
    internal static void Kaiming(Convolution convolution, TorchRandom random)
    {
        var bound = (float)(1 / Math.Sqrt(FanIn(convolution)));
        Fill(convolution.weight, values => random.FillUniform(values, -bound, bound));
        Fill(convolution.bias, values => random.FillUniform(values, -bound, bound));
    }

    /// <summary>Zeros, or normal weights of standard deviation 1/√(inputs · kernel²), which preserve the scale of activations.</summary>
    private static void Zero(Convolution convolution, TorchRandom? random)
    {
        convolution.weight.zero_();
        convolution.bias.zero_();
        if (random is not null)
            Fill(convolution.weight, values => random.FillNormal(values, 0, 1 / Math.Sqrt(FanIn(convolution))));
    }

    private static double FanIn(Convolution convolution) => convolution.weight.numel() / (double)convolution.weight.shape[0];

    private delegate void Filler(Span<float> values);

    private static void Fill(Tensor target, Filler fill)
    {
        var values = new float[target.numel()];
        fill(values);
        using var drawn = tensor(values, target.shape);
        target.copy_(drawn);
    }
}
