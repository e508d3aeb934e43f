namespace ControlNet.ML.Onnx.Tests.Features;

/// <summary>Tiny graphs that stand for extractors of features and for CLIP's text encoder.</summary>
internal static class FeatureGraphs
{
    /// <summary>The three means of an image's prepared channels.</summary>
    /// <param name="batch">The graph's batch size; null for a dynamic one.</param>
    /// <param name="side">The side of its input; null for a dynamic one.</param>
    /// <param name="channelsLast">Whether it takes [N, height, width, 3].</param>
    /// <param name="operation">An operation on the means, such as Log, which gives NaN for negative ones; null for none.</param>
    /// <param name="isMap">Whether it ends before the pooling.</param>
    public static byte[] Means(int? batch = null, int? side = 8, bool channelsLast = false, string? operation = null, bool isMap = false)
    {
        var builder = new GraphBuilder("means", default);
        GraphDimension n = batch is { } rows ? rows : "n", high = side is { } h ? h : "height", wide = side is { } w ? w : "width";
        var images = channelsLast
            ? builder.Transpose(builder.Input("images", OnnxFields.Float, n, high, wide, 3), 0, 3, 1, 2)
            : builder.Input("images", OnnxFields.Float, n, 3, high, wide);
        if (isMap)
        {
            builder.Output("features", images, n, 3, high, wide);
            return Encode(builder);
        }

        var means = builder.Node("GlobalAveragePool", [images]);
        if (operation is not null)
            means = builder.Node(operation, [means]);
        builder.Output("features", builder.Node("Flatten", [means]), n, 3);
        return Encode(builder);
    }

    /// <summary>A text encoder: [mean of the ids / 10,000, 1, 2].</summary>
    /// <param name="hasMask">Whether it takes an attention_mask.</param>
    /// <param name="length">The length of the embedding, 1 to 3.</param>
    public static byte[] Text(bool hasMask = false, int length = 3)
    {
        var builder = new GraphBuilder("text", default);
        var ids = builder.Cast(builder.Input("input_ids", OnnxFields.Int64, "n", 77), OnnxFields.Float);
        if (hasMask)
            ids = builder.Multiply(ids, builder.Cast(builder.Input("attention_mask", OnnxFields.Int64, "n", 77), OnnxFields.Float));
        var mean = builder.Node("ReduceMean", [ids], GraphAttribute.Of("axes", [1L]), GraphAttribute.Of("keepdims", 1L));
        var scaled = builder.Multiply(mean, builder.Singles("scale", [.. new[] { 1e-4f, 0, 0 }.Take(length)], 1, length));
        builder.Output("text_embeds", builder.Add(scaled, builder.Singles("shift", [.. new[] { 0f, 1, 2 }.Take(length)], 1, length)), "n", length);
        return Encode(builder);
    }

    private static byte[] Encode(GraphBuilder builder) => builder.Build().Encode((_, _) => { });
}
