using System.Globalization;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Onnx;

/// <summary>
/// The locked network: <c>sample</c>, time, text and, where there are control networks, their residuals to <c>out_sample</c>. Any size
/// that diffusers takes is possible: the decoder enlarges to the size of the encoder's skip tensors.
/// </summary>
internal static class UNet2DConditionGraph
{
    /// <param name="config">The configuration.</param>
    /// <param name="precision">The types of weights and computation.</param>
    /// <param name="takesResiduals">Whether it takes the residuals of control networks.</param>
    public static NetworkGraph Build(UNetConfig config, GraphPrecision precision, bool takesResiduals)
    {
        var graph = new GraphBuilder(takesResiduals ? "unet_with_residuals" : "unet", precision);
        var encoder = new EncoderGraph(graph, config, config.TimeCondProjDim);
        var inputs = EncoderInputs.Declare(graph, config, config.TimeCondProjDim);
        var residuals = takesResiduals ? Residuals(graph, config) : [];

        // 1. time, encoder and middle
        var time = encoder.EmbedTime(inputs);
        var text = graph.ToCompute(inputs.Text);
        var (skips, x) = encoder.Encode(encoder.Enter(graph.ToCompute(inputs.Sample)), time, text);

        // 2. control
        if (takesResiduals)
        {
            skips = [.. skips.Zip(residuals, graph.Add)];
            x = graph.Add(x, residuals[^1]);
        }

        // 3. decoder
        x = Decode(graph, encoder, config, x, time, text, new Stack<GraphValue>(skips));
        var normed = graph.GroupNorm("conv_norm_out", x, config.BlockOutChannels[0], config.NormNumGroups, config.NormEps);
        var output = graph.Convolution(
            "conv_out", graph.Silu(normed), config.BlockOutChannels[0], config.OutChannels, isPrecise: true);
        graph.Output(GraphNames.Prediction, output, EncoderInputs.Batch, config.OutChannels, "height", "width");
        return graph.Build();
    }

    /// <summary>Declares the residuals: skip tensors in the encoder's order, then the middle.</summary>
    private static List<GraphValue> Residuals(GraphBuilder graph, UNetConfig config)
    {
        int[] channels = [.. config.SkipChannels, config.BlockOutChannels[^1]];
        return [.. channels.Select((count, i) =>
        {
            var (height, width) = ResidualSides.Of(i);
            var name = i == channels.Length - 1 ? GraphNames.MiddleResidual : GraphNames.Residual(i);
            return graph.ToCompute(graph.Input(name, OnnxFields.Float, EncoderInputs.Batch, count, height, width));
        })];
    }

    private static GraphValue Decode(
        GraphBuilder graph, EncoderGraph encoder, UNetConfig config, GraphValue x, GraphValue time, GraphValue text,
        Stack<GraphValue> skips)
    {
        var channels = config.BlockOutChannels;
        var layers = config.LayersPerBlock + 1;
        for (var block = 0; block < config.Levels; block++)
        {
            var level = config.Levels - 1 - block;
            var at = string.Create(CultureInfo.InvariantCulture, $"up_blocks.{block}");
            for (var i = 0; i < layers; i++)
            {
                // Each layer takes the skip tensor of its depth, the last one that of the level above.
                var skip = channels[i < layers - 1 ? level : Math.Max(level - 1, 0)];
                var inputs = channels[i > 0 ? level : Math.Min(level + 1, config.Levels - 1)];
                x = encoder.Layer(
                    at, i, graph.Concat(1, x, skips.Pop()), time, text, level, inputs + skip, config.HasUpAttention(block));
            }

            // The size is that of the next skip tensor, so that odd sizes are restored.
            if (level > 0)
                x = graph.Convolution(at + ".upsamplers.0.conv", graph.Enlarge(x, skips.Peek()), channels[level], channels[level]);
        }

        return x;
    }
}
