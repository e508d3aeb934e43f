using System.Globalization;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Onnx;

/// <summary>What the autoencoder's two graphs share.</summary>
internal abstract class AutoencoderGraph(AutoencoderConfig config, GraphBuilder graph)
{
    /// <summary>Epsilon of every group normalisation in the autoencoder.</summary>
    protected const double Epsilon = 1e-6;

    /// <summary>The name of the dynamic number of images.</summary>
    protected const string Batch = "batch_size";

    /// <summary>The configuration.</summary>
    protected AutoencoderConfig Config => config;

    /// <summary>The graph.</summary>
    protected GraphBuilder Graph => graph;

    /// <summary>
    /// The precision of an autoencoder: one that would overflow in float16 (force_upcast) computes in float32; its weights may be float16.
    /// </summary>
    public static GraphPrecision Of(AutoencoderConfig config, GraphPrecision precision) =>
        config.ForceUpcast ? precision with { HalfCompute = false } : precision;

    /// <summary>A level's resnets.</summary>
    protected GraphValue Resnets(string at, GraphValue x, int inputs, int outputs, int count)
    {
        var resnet = new ResnetGraph(config.NormNumGroups, Epsilon);
        for (var i = 0; i < count; i++)
            x = resnet.Add(graph, Text($"{at}.resnets.{i}"), x, null, i == 0 ? inputs : outputs, outputs);
        return x;
    }

    /// <summary>Resnet, single-head attention over all pixels, resnet.</summary>
    protected GraphValue Middle(string at, GraphValue x)
    {
        var channels = config.BlockOutChannels[^1];
        var resnet = new ResnetGraph(config.NormNumGroups, Epsilon);
        x = resnet.Add(graph, at + ".resnets.0", x, null, channels, channels);
        if (config.MidBlockAddAttention)
        {
            var attention = at + ".attentions.0";
            var tokens = graph.ToTokens(
                graph.GroupNorm(attention + ".group_norm", x, channels, config.NormNumGroups, Epsilon), channels);
            var mixed = graph.Attention(attention, tokens, tokens, channels, channels, heads: 1, hasBias: true);
            x = graph.Add(x, graph.ToMap(mixed, x));
        }

        return resnet.Add(graph, at + ".resnets.1", x, null, channels, channels);
    }

    /// <summary>The last layers: norm, SiLU, convolution.</summary>
    protected GraphValue Out(string at, GraphValue x, int inputs, int outputs) => graph.Convolution(
        at + ".conv_out",
        graph.Silu(graph.GroupNorm(at + ".conv_norm_out", x, inputs, config.NormNumGroups, Epsilon)),
        inputs,
        outputs,
        isPrecise: true);

    /// <summary>Text with numbers, the same everywhere.</summary>
    protected static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
