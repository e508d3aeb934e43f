using System.Globalization;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Onnx;

/// <summary>
/// The control network (paper Figure 3b), or the paper's ControlNet-lite: sample, time, text and hint to the residuals, multiplied by
/// <c>conditioning_scale</c>. Merged, it takes the condition image in place of the hint, and has OnnxStack's signature.
/// </summary>
internal static class ControlNetGraph
{
    /// <param name="config">The configuration.</param>
    /// <param name="precision">The types of weights and computation.</param>
    /// <param name="merged">Whether the condition encoder is part of the graph.</param>
    public static NetworkGraph Build(ControlNetConfig config, GraphPrecision precision, bool merged)
    {
        var graph = new GraphBuilder(merged ? "control_network_with_condition_encoder" : "control_network", precision);
        var encoder = new EncoderGraph(graph, config);
        var inputs = EncoderInputs.Declare(graph, config, guidanceWidth: null, hasTimestepPerRow: merged);
        var hint = merged
            ? ConditionEncoderGraph.Encode(graph, config, ConditionEncoderGraph.Declare(graph, config))
            : graph.ToCompute(graph.Input(
                GraphNames.Hint, OnnxFields.Float, EncoderInputs.Batch, config.BlockOutChannels[0], "height", "width"));
        var scale = graph.ToCompute(graph.Cast(graph.Input(GraphNames.Scale, OnnxFields.Double), OnnxFields.Float));

        // The copy of encoder and middle, steered by the hint.
        var x = graph.Add(encoder.Enter(graph.ToCompute(inputs.Sample)), hint);
        var (skips, middle) = config.Lite
            ? Lite(graph, config, x)
            : encoder.Encode(x, encoder.EmbedTime(inputs), graph.ToCompute(inputs.Text));

        // Zero convolutions, and pooling where the network has it.
        foreach (var (i, channels) in config.SkipChannels.Index())
            Residual(Text($"controlnet_down_blocks.{i}"), GraphNames.Residual(i), i, skips[i], channels);
        Residual("controlnet_mid_block", GraphNames.MiddleResidual, skips.Count, middle, config.BlockOutChannels[^1]);
        return graph.Build();

        void Residual(string at, string name, int index, GraphValue value, int channels)
        {
            var residual = graph.Convolution(at, value, channels, channels, kernel: 1, isPrecise: true);
            if (config.GlobalPoolConditions)
                residual = graph.Node("ReduceMean", [residual], GraphAttribute.Of("axes", [2, 3]));
            var (height, width) = ResidualSides.Of(index);
            GraphDimension[] sides = config.GlobalPoolConditions ? [1, 1] : [height, width];
            graph.Output(name, graph.Multiply(residual, scale), [EncoderInputs.Batch, channels, .. sides]);
        }
    }

    /// <summary>ControlNet-lite's blocks: SiLU and one convolution for each residual, the first after each level with stride 2.</summary>
    private static (List<GraphValue> Skips, GraphValue Middle) Lite(GraphBuilder graph, ControlNetConfig config, GraphValue x)
    {
        List<GraphValue> skips = [x];
        var channels = config.BlockOutChannels;
        for (var level = 0; level < config.Levels; level++)
        {
            for (var layer = 0; layer < config.LayersPerBlock; layer++)
                Add(layer == 0 ? channels[Math.Max(level - 1, 0)] : channels[level], channels[level], stride: 1);
            if (level < config.Levels - 1)
                Add(channels[level], channels[level], stride: 2);
        }

        return (skips, graph.Convolution("mid_block", graph.Silu(skips[^1]), channels[^1], channels[^1]));

        void Add(int inputs, int outputs, int stride) => skips.Add(graph.Convolution(
            Text($"blocks.{skips.Count - 1}"), graph.Silu(skips[^1]), inputs, outputs, stride: stride));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
