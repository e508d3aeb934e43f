using System.Globalization;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Onnx;

/// <summary>
/// The small network that reduces a condition image to the latents' size (paper section 3.2): <c>controlnet_cond</c>, [N, 3, H, W] from
/// 0 to 1, to <c>controlnet_hint</c>, [N, C, H/8, W/8]. It depends only on the image, so it runs once per image and not once per step.
/// </summary>
internal static class ConditionEncoderGraph
{
    private const string At = "controlnet_cond_embedding";

    /// <param name="config">The configuration.</param>
    /// <param name="precision">The types of weights and computation.</param>
    public static NetworkGraph Build(ControlNetConfig config, GraphPrecision precision)
    {
        var graph = new GraphBuilder("condition_encoder", precision);
        var hint = Encode(graph, config, Declare(graph, config));
        graph.Output(GraphNames.Hint, hint, EncoderInputs.Batch, config.BlockOutChannels[0], "height", "width");
        return graph.Build();
    }

    /// <summary>Declares the input.</summary>
    public static GraphValue Declare(GraphBuilder graph, ControlNetConfig config) => graph.Input(
        GraphNames.Condition, OnnxFields.Float, EncoderInputs.Batch, config.ConditioningChannels, "condition_height", "condition_width");

    /// <summary>The hint, in the type of the computation.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="condition">The condition image, float32.</param>
    public static GraphValue Encode(GraphBuilder graph, ControlNetConfig config, GraphValue condition)
    {
        var widths = config.ConditioningEmbeddingOutChannels;
        if (config.ControlnetConditioningChannelOrder == "bgr")
        {
            long[] reversed = [.. Enumerable.Range(0, config.ConditioningChannels).Select(i => (long)i).Reverse()];
            condition = graph.Node("Gather", [condition, graph.Integers(reversed)], GraphAttribute.Of("axis", 1L));
        }

        var x = graph.Silu(graph.Convolution(
            At + ".conv_in", graph.ToCompute(condition), config.ConditioningChannels, widths[0], isPrecise: true));
        for (var i = 0; i < widths.Length - 1; i++)
        {
            x = graph.Silu(graph.Convolution(Block(2 * i), x, widths[i], widths[i]));
            x = graph.Silu(graph.Convolution(Block((2 * i) + 1), x, widths[i], widths[i + 1], stride: 2));
        }

        return graph.Convolution(At + ".conv_out", x, widths[^1], config.BlockOutChannels[0], isPrecise: true);
    }

    private static string Block(int index) => string.Create(CultureInfo.InvariantCulture, $"{At}.blocks.{index}");
}
