using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Kernels;

/// <summary>The memory format in which the channels of a pixel are neighbours: [N, C, H, W] lies as [N, H, W, C].</summary>
internal static class ChannelsLast
{
    /// <summary>Whether an image has the format.</summary>
    public static bool Is(Tensor image)
    {
        var (shape, strides) = (image.shape, image.stride());
        return strides[1] == 1 && strides[3] == shape[1] && strides[2] == shape[1] * shape[3];
    }

    /// <summary>The image in this format: itself, or a copy.</summary>
    public static Tensor Of(Tensor image)
    {
        if (Is(image))
            return image.alias();
        using var scope = NewDisposeScope();
        return image.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Lays the weights of a network's convolutions so, once: libtorch would copy them in every call. For networks that only infer, before
    /// anything computes on them.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="isChannelsLast">False lays them as checkpoints have them.</param>
    public static void LayWeights(nn.Module network, bool isChannelsLast = true)
    {
        using var _ = no_grad();
        foreach (var convolution in network.modules().OfType<Convolution>().Where(convolution => convolution.weight.shape[2] > 1))
        {
            if (Is(convolution.weight) == isChannelsLast)
                continue;
            using var laid = isChannelsLast ? Of(convolution.weight) : convolution.weight.contiguous();
            convolution.weight.set_(laid);
            convolution.ParametersChanged();
        }
    }
}
