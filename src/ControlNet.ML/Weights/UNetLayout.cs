using System.Globalization;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>
/// The tensors of the UNet and the control network. Both share the encoder, which is described once. The original names are those of
/// CompVis' <c>openaimodel.py</c>, which numbers all blocks of a path consecutively, while diffusers numbers them per level.
/// </summary>
internal sealed class UNetLayout(EncoderConfig config, Place root)
{
    private readonly LayoutBuilder _layout = new();
    private readonly int[] _channels = config.BlockOutChannels;
    private readonly int _layers = config.LayersPerBlock;

    public static IReadOnlyList<TensorLayout> Of(UNetConfig config, string prefix)
    {
        var layout = new UNetLayout(config, Place.Root(prefix));
        layout.Input(config.TimeCondProjDim);
        layout.Down();
        layout.Up(config);
        layout.Middle();
        layout.Output(config.OutChannels);
        return layout._layout.Tensors;
    }

    public static IReadOnlyList<TensorLayout> Of(ControlNetConfig config, string prefix)
    {
        var layout = new UNetLayout(config, Place.Root(prefix));
        layout.Input(null);
        layout.ConditionEncoder(config);
        layout.Down();
        layout.ZeroConvolutions();
        layout.Middle();
        return layout._layout.Tensors;
    }

    private void Input(int? guidanceWidth)
    {
        _layout.Convolution(root.At("conv_in", "input_blocks.0.0"), _channels[0], config.InChannels, 3);
        _layout.Linear(root.At("time_embedding.linear_1", "time_embed.0"), config.TimeEmbedDim, _channels[0]);
        if (guidanceWidth is { } width)
            _layout.LinearWithoutBias(root.At("time_embedding.cond_proj", "time_embed.cond_proj"), _channels[0], width);
        _layout.Linear(root.At("time_embedding.linear_2", "time_embed.2"), config.TimeEmbedDim, config.TimeEmbedDim);
        if (config.AdditionEmbedType is not null)
        {
            _layout.Linear(
                root.At("add_embedding.linear_1", "label_emb.0.0"), config.TimeEmbedDim, config.ProjectionClassEmbeddingsInputDim!.Value);
            _layout.Linear(root.At("add_embedding.linear_2", "label_emb.0.2"), config.TimeEmbedDim, config.TimeEmbedDim);
        }
    }

    private void Down()
    {
        for (var level = 0; level < _channels.Length; level++)
        {
            var block = root.At(Text($"down_blocks.{level}"), "");
            var first = 1 + (level * (_layers + 1));
            if (config.HasAttention(level))
            {
                for (var j = 0; j < _layers; j++)
                    Transformer(block.At(Text($"attentions.{j}"), Text($"input_blocks.{first + j}.1")), level, config.OnlyCrossAttention);
            }

            for (var j = 0; j < _layers; j++)
            {
                var inputs = j > 0 ? _channels[level] : _channels[Math.Max(level - 1, 0)];
                Resnet(block.At(Text($"resnets.{j}"), Text($"input_blocks.{first + j}.0")), inputs, _channels[level]);
            }

            if (level < _channels.Length - 1)
                _layout.Convolution(
                    block.At("downsamplers.0.conv", Text($"input_blocks.{first + _layers}.0.op")), _channels[level], _channels[level], 3);
        }
    }

    private void Middle()
    {
        if (!config.HasMiddle)
            return;
        var last = _channels.Length - 1;
        var block = root.At("mid_block", "middle_block");
        if (config.HasMiddleAttention)
            Transformer(block.At("attentions.0", "1"), last, onlyCrossAttention: false);
        Resnet(block.At("resnets.0", "0"), _channels[last], _channels[last]);
        if (config.HasMiddleAttention)
            Resnet(block.At("resnets.1", "2"), _channels[last], _channels[last]);
    }

    private void Up(UNetConfig unet)
    {
        var last = _channels.Length - 1;
        for (var i = 0; i <= last; i++)
        {
            var level = last - i;
            var block = root.At(Text($"up_blocks.{i}"), "");
            var first = i * (_layers + 1);
            if (unet.HasUpAttention(i))
            {
                for (var j = 0; j <= _layers; j++)
                    Transformer(block.At(Text($"attentions.{j}"), Text($"output_blocks.{first + j}.1")), level, config.OnlyCrossAttention);
            }

            for (var j = 0; j <= _layers; j++)
            {
                // Each block takes the skip connection from the encoder at the same depth, the last one from the level above.
                var skip = _channels[j < _layers ? level : Math.Max(level - 1, 0)];
                var inputs = _channels[j > 0 ? level : Math.Min(level + 1, last)];
                Resnet(block.At(Text($"resnets.{j}"), Text($"output_blocks.{first + j}.0")), inputs + skip, _channels[level]);
            }

            // It follows the attention, if there is one.
            if (level > 0)
                _layout.Convolution(
                    block.At("upsamplers.0.conv", Text($"output_blocks.{first + _layers}.{(unet.HasUpAttention(i) ? 2 : 1)}.conv")),
                    _channels[level],
                    _channels[level],
                    3);
        }
    }

    private void Output(int channels)
    {
        _layout.Normalisation(root.At("conv_norm_out", "out.0"), _channels[0]);
        _layout.Convolution(root.At("conv_out", "out.2"), channels, _channels[0], 3);
    }

    /// <summary>The condition encoder: convolutions with an activation after each, so that the original's indices are even.</summary>
    private void ConditionEncoder(ControlNetConfig control)
    {
        var widths = control.ConditioningEmbeddingOutChannels;
        var encoder = root.At("controlnet_cond_embedding", "input_hint_block");
        _layout.Convolution(encoder.At("conv_in", "0"), widths[0], control.ConditioningChannels, 3);
        for (var i = 0; i < widths.Length - 1; i++)
        {
            _layout.Convolution(encoder.At(Text($"blocks.{2 * i}"), Text($"{(4 * i) + 2}")), widths[i], widths[i], 3);
            _layout.Convolution(encoder.At(Text($"blocks.{(2 * i) + 1}"), Text($"{(4 * i) + 4}")), widths[i + 1], widths[i], 3);
        }

        _layout.Convolution(encoder.At("conv_out", Text($"{(4 * widths.Length) - 2}")), _channels[0], widths[^1], 3);
    }

    private void ZeroConvolutions()
    {
        var index = 0;
        foreach (var channels in config.SkipChannels)
            Zero(channels);
        _layout.Convolution(root.At("controlnet_mid_block", "middle_block_out.0"), _channels[^1], _channels[^1], 1);

        void Zero(long channels) =>
            _layout.Convolution(root.At(Text($"controlnet_down_blocks.{index}"), Text($"zero_convs.{index++}.0")), channels, channels, 1);
    }

    private void Resnet(Place at, long inputs, long outputs)
    {
        _layout.Normalisation(at.At("norm1", "in_layers.0"), inputs);
        _layout.Convolution(at.At("conv1", "in_layers.2"), outputs, inputs, 3);
        _layout.Linear(at.At("time_emb_proj", "emb_layers.1"), outputs, config.TimeEmbedDim);
        _layout.Normalisation(at.At("norm2", "out_layers.0"), outputs);
        _layout.Convolution(at.At("conv2", "out_layers.3"), outputs, outputs, 3);
        if (inputs != outputs)
            _layout.Convolution(at.At("conv_shortcut", "skip_connection"), outputs, inputs, 1);
    }

    private void Transformer(Place at, int level, bool onlyCrossAttention)
    {
        long width = _channels[level], text = config.CrossAttentionDim;
        _layout.Normalisation(at.At("norm"), width);
        Projection(at.At("proj_in"), width);
        for (var i = 0; i < config.TransformerLayersPerBlock[level]; i++)
        {
            var layer = at.At(Text($"transformer_blocks.{i}"));
            _layout.Normalisation(layer.At("norm1"), width);
            Attention(layer.At("attn1"), width, onlyCrossAttention ? text : width);
            _layout.Normalisation(layer.At("norm2"), width);
            Attention(layer.At("attn2"), width, text);
            _layout.Normalisation(layer.At("norm3"), width);

            // GEGLU: four times the width, doubled, as one half gates the other.
            _layout.Linear(layer.At("ff.net.0.proj"), 8 * width, width);
            _layout.Linear(layer.At("ff.net.2"), width, 4 * width);
        }

        Projection(at.At("proj_out"), width);
    }

    private void Attention(Place at, long width, long context)
    {
        _layout.LinearWithoutBias(at.At("to_q"), width, width);
        _layout.LinearWithoutBias(at.At("to_k"), width, context);
        _layout.LinearWithoutBias(at.At("to_v"), width, context);
        _layout.Linear(at.At("to_out.0"), width, width);
    }

    private void Projection(Place at, long width)
    {
        if (config.UseLinearProjection)
            _layout.Linear(at, width, width);
        else
            _layout.Convolution(at, width, width, 1);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
