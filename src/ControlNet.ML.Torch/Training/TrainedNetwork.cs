using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>Where a control network begins: as the trainable copy of a UNet's encoder, with zero convolutions (paper section 3.1).</summary>
internal static class TrainedNetwork
{
    /// <summary>The copy: encoder and middle from the UNet, the condition encoder at random as torch initialises convolutions, its last one and all zero convolutions zero.</summary>
    /// <param name="config">The network's shape, <see cref="ControlNetConfig.FromUNet"/> of the UNet's.</param>
    /// <param name="unet">The UNet.</param>
    /// <param name="device">Where it lies and in which numbers.</param>
    /// <param name="seed">Of the random weights.</param>
    /// <param name="gaussian">The ablation of the paper: Gaussian weights in place of the zeros.</param>
    public static ControlNetModel FromUNet(ControlNetConfig config, UNet2DConditionModel unet, TorchDevice device, ulong seed, bool gaussian = false)
    {
        var network = Unset.On(device.Type, device.Device, () => new ControlNetModel(config));
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var random = new TorchRandom(seed);
        var sources = unet.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var (name, parameter) in network.named_parameters())
        {
            if (sources.TryGetValue(name, out var source))
                parameter.copy_(source);
        }

        foreach (var convolution in HintConvolutions(network.controlnet_cond_embedding))
            Kaiming(convolution, random);
        foreach (var convolution in ZeroConvolutions(network))
            Zero(convolution, gaussian ? random : null);
        network.train();
        return network;
    }

    /// <summary>All that the paper calls zero convolutions, the last one of the condition encoder too.</summary>
    public static IEnumerable<Convolution> ZeroConvolutions(ControlNetModel network) =>
        [network.controlnet_cond_embedding.conv_out, .. network.controlnet_down_blocks, network.controlnet_mid_block];

    /// <summary>The decoder, which learns too where it is unlocked (<c>sd_locked = false</c>): up blocks, last norm, last convolution.</summary>
    public static IEnumerable<(string Name, TorchSharp.Modules.Parameter Parameter)> Decoder(UNet2DConditionModel unet) =>
        unet.named_parameters()
            .Where(entry => entry.name.StartsWith("up_blocks.", StringComparison.Ordinal)
                || entry.name.StartsWith("conv_norm_out.", StringComparison.Ordinal) || entry.name.StartsWith("conv_out.", StringComparison.Ordinal))
            .Select(entry => (entry.name, entry.parameter));

    private static IEnumerable<Convolution> HintConvolutions(ConditionEncoder encoder) => [encoder.conv_in, .. encoder.blocks];

    /// <summary>torch's <c>Conv2d.reset_parameters</c>: weights and biases uniform within ±1/√(inputs · kernel²).</summary>
    private static void Kaiming(Convolution convolution, TorchRandom random)
    {
        var bound = (float)(1 / Math.Sqrt(FanIn(convolution)));
        Fill(convolution.weight, values => random.FillUniform(values, -bound, bound));
        Fill(convolution.bias, values => random.FillUniform(values, -bound, bound));
    }

    /// <summary>Zeros; or normal weights of deviation 1/√(inputs · kernel²), which keep the size of what passes.</summary>
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
