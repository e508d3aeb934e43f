using System.Globalization;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Onnx;

/// <summary>
/// The half that the locked UNet and the control network share: time embedding, encoder levels and middle (paper Figure 3, left and right
/// alike).
/// </summary>
/// <param name="graph">The graph.</param>
/// <param name="config">The configuration.</param>
/// <param name="guidanceWidth">Width of the guidance embedding of distilled (LCM) models, or null.</param>
internal sealed class EncoderGraph(GraphBuilder graph, EncoderConfig config, int? guidanceWidth = null)
{
    private readonly ResnetGraph _resnet = new(config.NormNumGroups, config.NormEps, config.TimeEmbedDim);
    private readonly TransformerGraph _transformer = new(graph, config);

    /// <summary>The vector that every resnet receives.</summary>
    public GraphValue EmbedTime(EncoderInputs inputs) => new TimeEmbeddingGraph(graph, config, guidanceWidth).Embed(inputs);

    /// <summary>The first convolution.</summary>
    /// <param name="sample">[N, in_channels, H, W], in the type of the computation.</param>
    public GraphValue Enter(GraphValue sample) =>
        graph.Convolution("conv_in", sample, config.InChannels, config.BlockOutChannels[0], isPrecise: true);

    /// <summary>Encoder and middle.</summary>
    /// <param name="x">The output of <see cref="Enter"/>, to which a control network has added its hint.</param>
    /// <param name="time">From <see cref="EmbedTime"/>.</param>
    /// <param name="text">[N, tokens, width], in the type of the computation.</param>
    /// <returns>The skip tensors in order, the first of which is <paramref name="x"/>, and the middle's output.</returns>
    public (List<GraphValue> Skips, GraphValue Middle) Encode(GraphValue x, GraphValue time, GraphValue text)
    {
        List<GraphValue> skips = [x];
        for (var level = 0; level < config.Levels; level++)
        {
            var (at, outputs) = (Text($"down_blocks.{level}"), config.BlockOutChannels[level]);
            for (var i = 0; i < config.LayersPerBlock; i++)
            {
                var inputs = i == 0 ? config.BlockOutChannels[Math.Max(level - 1, 0)] : outputs;
                x = Layer(at, i, x, time, text, level, inputs, config.HasAttention(level));
                skips.Add(x);
            }

            if (level == config.Levels - 1)
                continue;
            x = graph.Convolution(
                at + ".downsamplers.0.conv", x, outputs, outputs, stride: 2, padsAfter: config.DownsamplePadding == 0);
            skips.Add(x);
        }

        return (skips, config.HasMiddle ? Middle(x, time, text) : x);
    }

    /// <summary>A layer of an encoder's or decoder's level: a resnet, then a transformer if the level has attention.</summary>
    /// <param name="at">The level's name in the checkpoint.</param>
    /// <param name="index">The layer's index.</param>
    /// <param name="x">[N, inputs, H, W].</param>
    /// <param name="time">From <see cref="EmbedTime"/>.</param>
    /// <param name="text">The text.</param>
    /// <param name="level">The level, which determines the output channels.</param>
    /// <param name="inputs">Input channels.</param>
    /// <param name="hasAttention">Whether the level has attention.</param>
    public GraphValue Layer(
        string at, int index, GraphValue x, GraphValue time, GraphValue text, int level, int inputs, bool hasAttention)
    {
        x = _resnet.Add(graph, Text($"{at}.resnets.{index}"), x, time, inputs, config.BlockOutChannels[level]);
        return hasAttention
            ? _transformer.Add(Text($"{at}.attentions.{index}"), x, text, level, config.OnlyCrossAttention)
            : x;
    }

    private GraphValue Middle(GraphValue x, GraphValue time, GraphValue text)
    {
        var last = config.Levels - 1;
        var (channels, divisor) = (config.BlockOutChannels[last], config.MidBlockScaleFactor);
        x = _resnet.Add(graph, "mid_block.resnets.0", x, time, channels, channels, divisor);
        if (!config.HasMiddleAttention)
            return x;
        x = _transformer.Add("mid_block.attentions.0", x, text, last, onlyCross: false);
        return _resnet.Add(graph, "mid_block.resnets.1", x, time, channels, channels, divisor);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
