using System.Globalization;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>
/// The tensors of the autoencoder. The original names are those of CompVis' <c>diffusionmodules/model.py</c>, which numbers the decoder's
/// levels from the finest although the coarsest runs first.
/// </summary>
internal sealed class AutoencoderLayout(AutoencoderConfig config, Place root)
{
    private readonly LayoutBuilder _layout = new();
    private readonly int[] _channels = config.BlockOutChannels;

    public static IReadOnlyList<TensorLayout> Of(AutoencoderConfig config, string prefix)
    {
        var layout = new AutoencoderLayout(config, Place.Root(prefix));
        layout.Encoder();
        layout.Decoder();
        layout.QuantisationConvolutions();
        return layout._layout.Tensors;
    }

    private void Encoder()
    {
        var encoder = root.At("encoder");
        _layout.Convolution(encoder.At("conv_in"), _channels[0], config.InChannels, 3);
        for (var level = 0; level < _channels.Length; level++)
        {
            var block = encoder.At(Text($"down_blocks.{level}"), Text($"down.{level}"));
            for (var j = 0; j < config.LayersPerBlock; j++)
                Resnet(
                    block.At(Text($"resnets.{j}"), Text($"block.{j}")),
                    _channels[j > 0 ? level : Math.Max(level - 1, 0)],
                    _channels[level]);
            if (level < _channels.Length - 1)
                _layout.Convolution(block.At("downsamplers.0.conv", "downsample.conv"), _channels[level], _channels[level], 3);
        }

        Middle(encoder);
        _layout.Normalisation(encoder.At("conv_norm_out", "norm_out"), _channels[^1]);
        _layout.Convolution(encoder.At("conv_out"), 2 * config.LatentChannels, _channels[^1], 3);
    }

    private void Decoder()
    {
        var decoder = root.At("decoder");
        var last = _channels.Length - 1;
        _layout.Convolution(decoder.At("conv_in"), _channels[last], config.LatentChannels, 3);
        for (var i = 0; i <= last; i++)
        {
            var level = last - i;
            var block = decoder.At(Text($"up_blocks.{i}"), Text($"up.{level}"));
            for (var j = 0; j <= config.LayersPerBlock; j++)
                Resnet(
                    block.At(Text($"resnets.{j}"), Text($"block.{j}")),
                    _channels[j > 0 ? level : Math.Min(level + 1, last)],
                    _channels[level]);
            if (level > 0)
                _layout.Convolution(block.At("upsamplers.0.conv", "upsample.conv"), _channels[level], _channels[level], 3);
        }

        Middle(decoder);
        _layout.Normalisation(decoder.At("conv_norm_out", "norm_out"), _channels[0]);
        _layout.Convolution(decoder.At("conv_out"), config.OutChannels, _channels[0], 3);
    }

    private void QuantisationConvolutions()
    {
        if (config.UseQuantConv)
            _layout.Convolution(root.At("quant_conv"), 2 * config.LatentChannels, 2 * config.LatentChannels, 1);
        if (config.UsePostQuantConv)
            _layout.Convolution(root.At("post_quant_conv"), config.LatentChannels, config.LatentChannels, 1);
    }

    private void Middle(Place parent)
    {
        var block = parent.At("mid_block", "mid");
        var width = _channels[^1];
        if (config.MidBlockAddAttention)
        {
            var attention = block.At("attentions.0", "attn_1");
            _layout.Normalisation(attention.At("group_norm", "norm"), width);
            _layout.LinearFromConvolution(attention.At("to_q", "q"), width, width);
            _layout.LinearFromConvolution(attention.At("to_k", "k"), width, width);
            _layout.LinearFromConvolution(attention.At("to_v", "v"), width, width);
            _layout.LinearFromConvolution(attention.At("to_out.0", "proj_out"), width, width);
        }

        Resnet(block.At("resnets.0", "block_1"), width, width);
        Resnet(block.At("resnets.1", "block_2"), width, width);
    }

    private void Resnet(Place at, long inputs, long outputs)
    {
        _layout.Normalisation(at.At("norm1"), inputs);
        _layout.Convolution(at.At("conv1"), outputs, inputs, 3);
        _layout.Normalisation(at.At("norm2"), outputs);
        _layout.Convolution(at.At("conv2"), outputs, outputs, 3);
        if (inputs != outputs)
            _layout.Convolution(at.At("conv_shortcut", "nin_shortcut"), outputs, inputs, 1);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
