using ControlNet.ML.Configuration;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>Image to moments: [N, 3, H, W] → [N, 2·latent_channels, H/8, W/8].</summary>
internal sealed class AutoencoderEncoder : Module<Tensor, Tensor>
{
    public readonly Convolution conv_in;
    public readonly ModuleList<DownBlock> down_blocks;
    public readonly AutoencoderMidBlock mid_block;
    public readonly GroupNorm conv_norm_out;
    public readonly Convolution conv_out;

    public AutoencoderEncoder(AutoencoderConfig config)
        : base(nameof(AutoencoderEncoder))
    {
        var channels = config.BlockOutChannels;
        conv_in = new Convolution(config.InChannels, channels[0], kernel: 3, padding: 1);
        down_blocks = new([.. channels.Select((outputs, level) => new DownBlock(
            AutoencoderLayers.Resnets(config, channels[Math.Max(level - 1, 0)], outputs, config.LayersPerBlock),
            null,
            level == channels.Length - 1 ? null : new Downsample(outputs, padding: 0)))]);
        mid_block = new AutoencoderMidBlock(config);
        conv_norm_out = new GroupNorm(config.NormNumGroups, channels[^1], AutoencoderLayers.Epsilon);
        conv_out = new Convolution(channels[^1], config.LatentChannels * 2, kernel: 3, padding: 1);
        RegisterComponents();
    }

    public override Tensor forward(Tensor image)
    {
        using var scope = NewDisposeScope();
        var x = conv_in.forward(image);
        foreach (var block in down_blocks)
        {
            foreach (var resnet in block.resnets)
                x = AutoencoderLayers.Replace(x, resnet.forward(x, null));
            if (block.downsamplers is { } down)
                x = AutoencoderLayers.Replace(x, down[0].forward(x));
        }

        return ResnetBlock.Convolve(conv_norm_out, conv_out, mid_block.forward(x)).MoveToOuterDisposeScope();
    }
}

/// <summary>Latents to image: [N, latent_channels, h, w] → [N, 3, 8h, 8w].</summary>
internal sealed class AutoencoderDecoder : Module<Tensor, Tensor>
{
    public readonly Convolution conv_in;
    public readonly AutoencoderMidBlock mid_block;
    public readonly ModuleList<UpBlock> up_blocks;
    public readonly GroupNorm conv_norm_out;
    public readonly Convolution conv_out;

    public AutoencoderDecoder(AutoencoderConfig config)
        : base(nameof(AutoencoderDecoder))
    {
        int[] channels = [.. config.BlockOutChannels.Reverse()];
        conv_in = new Convolution(config.LatentChannels, channels[0], kernel: 3, padding: 1);
        mid_block = new AutoencoderMidBlock(config);
        up_blocks = new([.. channels.Select((outputs, index) => new UpBlock(
            AutoencoderLayers.Resnets(config, channels[Math.Max(index - 1, 0)], outputs, config.LayersPerBlock + 1),
            null,
            index == channels.Length - 1 ? null : new Upsample(outputs)))]);
        conv_norm_out = new GroupNorm(config.NormNumGroups, channels[^1], AutoencoderLayers.Epsilon);
        conv_out = new Convolution(channels[^1], config.OutChannels, kernel: 3, padding: 1);
        RegisterComponents();
    }

    public override Tensor forward(Tensor latents)
    {
        using var scope = NewDisposeScope();
        var x = mid_block.forward(conv_in.forward(latents));
        foreach (var block in up_blocks)
        {
            foreach (var resnet in block.resnets)
                x = AutoencoderLayers.Replace(x, resnet.forward(x, null));
            if (block.upsamplers is { } up)
                x = AutoencoderLayers.Replace(x, up[0].forward(x, [x.shape[2] * 2, x.shape[3] * 2]));
        }

        return ResnetBlock.Convolve(conv_norm_out, conv_out, x).MoveToOuterDisposeScope();
    }
}

/// <summary>Resnet, single-head attention over all pixels, resnet.</summary>
internal sealed class AutoencoderMidBlock : Module<Tensor, Tensor>
{
    public readonly ModuleList<Attention>? attentions;
    public readonly ModuleList<ResnetBlock> resnets;

    public AutoencoderMidBlock(AutoencoderConfig config)
        : base(nameof(AutoencoderMidBlock))
    {
        var channels = config.BlockOutChannels[^1];
        attentions = config.MidBlockAddAttention
            ? new([new Attention(channels, 1, channels, hasBias: true, Norm())])
            : null;
        resnets = new(AutoencoderLayers.Resnets(config, channels, channels, 2));
        RegisterComponents();

        GroupNorm Norm() => new(config.NormNumGroups, channels, AutoencoderLayers.Epsilon);
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = resnets[0].forward(x, null);
        if (attentions is not null)
        {
            var tokens = attentions[0].group_norm!.forward(x).flatten(2).transpose(1, 2);
            x = x.Plus(attentions[0].forward(tokens, null).transpose(1, 2).reshape(x.shape));
        }

        return resnets[1].forward(x, null).MoveToOuterDisposeScope();
    }
}

/// <summary>Constants and layers that the autoencoder's parts share.</summary>
internal static class AutoencoderLayers
{
    /// <summary>Epsilon of every group normalisation in the autoencoder.</summary>
    public const double Epsilon = 1e-6;

    /// <summary>The largest feature maps are hundreds of times the latents, so each is freed as soon as the next exists.</summary>
    public static Tensor Replace(Tensor old, Tensor next)
    {
        old.Dispose();
        return next;
    }

    public static ResnetBlock[] Resnets(AutoencoderConfig config, int inputs, int outputs, int count) =>
        [
            .. Enumerable.Range(0, count).Select(
                i => new ResnetBlock(i == 0 ? inputs : outputs, outputs, null, config.NormNumGroups, Epsilon))];
}
