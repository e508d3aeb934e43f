using System.Globalization;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Onnx;

/// <summary>
/// Transformer blocks over the pixels of a feature map (Transformer2DModel). The projections in and out are 1x1 convolutions in
/// Stable Diffusion 1 and linear layers in 2 and XL (use_linear_projection).
/// </summary>
/// <param name="graph">The graph.</param>
/// <param name="config">The configuration.</param>
internal sealed class TransformerGraph(GraphBuilder graph, EncoderConfig config)
{
    private const double Epsilon = 1e-6;

    /// <param name="at">The transformer's name in the checkpoint.</param>
    /// <param name="x">[N, C, H, W].</param>
    /// <param name="text">[N, tokens, width].</param>
    /// <param name="level">The level, which determines channels, heads and depth.</param>
    /// <param name="onlyCross">Whether the first attention of each block also attends to the text.</param>
    public GraphValue Add(string at, GraphValue x, GraphValue text, int level, bool onlyCross)
    {
        var (channels, heads) = (config.BlockOutChannels[level], config.HeadsPerLevel[level]);
        var normed = graph.GroupNorm(at + ".norm", x, channels, config.NormNumGroups, Epsilon);
        var (enter, leave) = (at + ".proj_in", at + ".proj_out");
        var tokens = config.UseLinearProjection
            ? graph.Linear(enter, graph.ToTokens(normed, channels), channels, channels)
            : graph.ToTokens(graph.Convolution(enter, normed, channels, channels, kernel: 1), channels);
        for (var i = 0; i < config.TransformerLayersPerBlock[level]; i++)
        {
            var block = string.Create(CultureInfo.InvariantCulture, $"{at}.transformer_blocks.{i}");
            tokens = Block(block, tokens, text, channels, heads, onlyCross);
        }

        var result = config.UseLinearProjection
            ? graph.ToMap(graph.Linear(leave, tokens, channels, channels), x)
            : graph.Convolution(leave, graph.ToMap(tokens, x), channels, channels, kernel: 1);
        return graph.Add(result, x);
    }

    /// <summary>Self-attention, cross-attention to the text, feed-forward (BasicTransformerBlock).</summary>
    private GraphValue Block(string at, GraphValue x, GraphValue text, int width, int heads, bool onlyCross)
    {
        var normed = graph.LayerNorm(at + ".norm1", x, width);
        x = graph.Add(
            onlyCross
                ? graph.Attention(at + ".attn1", normed, text, width, config.CrossAttentionDim, heads, upcast: config.UpcastAttention)
                : graph.Attention(at + ".attn1", normed, normed, width, width, heads, upcast: config.UpcastAttention),
            x);
        normed = graph.LayerNorm(at + ".norm2", x, width);
        x = graph.Add(
            graph.Attention(at + ".attn2", normed, text, width, config.CrossAttentionDim, heads, upcast: config.UpcastAttention), x);
        normed = graph.LayerNorm(at + ".norm3", x, width);
        return graph.Add(FeedForward(at + ".ff.net", normed, width), x);
    }

    /// <summary>GEGLU to four times the width, then back.</summary>
    private GraphValue FeedForward(string at, GraphValue x, int width)
    {
        var (hidden, gate) = graph.Halves(graph.Linear(at + ".0.proj", x, width, width * 8));
        return graph.Linear(at + ".2", graph.Multiply(hidden, graph.Gelu(gate)), width * 4, width);
    }
}
