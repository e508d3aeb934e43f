using ControlNet.ML.Configuration;

namespace ControlNet.ML.Onnx;

/// <summary>
/// The inputs that UNet and control network have in common, float32, under the names and in the order of optimum's exporter.
/// </summary>
/// <param name="Sample">[N, in_channels, H, W].</param>
/// <param name="Timestep">No dimension, or [1 or N].</param>
/// <param name="Text">[N, tokens, width].</param>
/// <param name="PooledText">SDXL: [N, width]; else null.</param>
/// <param name="TimeIds">SDXL: [N, 6]; else null.</param>
/// <param name="GuidanceCondition">LCM: [N, width]; else null.</param>
internal sealed record EncoderInputs(
    GraphValue Sample,
    GraphValue Timestep,
    GraphValue Text,
    GraphValue? PooledText,
    GraphValue? TimeIds,
    GraphValue? GuidanceCondition)
{
    /// <summary>The name of the dynamic number of rows.</summary>
    public const string Batch = "batch_size";

    /// <summary>Numbers of <see cref="TimeIds"/> in a row.</summary>
    public const int Sizes = 6;

    /// <summary>Declares the inputs.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="guidanceWidth">Width of the guidance embedding of distilled (LCM) models, or null.</param>
    /// <param name="hasTimestepPerRow">Whether the time step has a dimension.</param>
    public static EncoderInputs Declare(GraphBuilder graph, EncoderConfig config, int? guidanceWidth, bool hasTimestepPerRow = false)
    {
        var sample = graph.Input(GraphNames.Sample, OnnxFields.Float, Batch, config.InChannels, "height", "width");
        var timestep = hasTimestepPerRow
            ? graph.Input(GraphNames.Timestep, OnnxFields.Float, "time_batch")
            : graph.Input(GraphNames.Timestep, OnnxFields.Float);
        var text = graph.Input(GraphNames.Text, OnnxFields.Float, Batch, "sequence_length", config.CrossAttentionDim);
        var hasAddition = config.AdditionEmbedType is not null;
        return new EncoderInputs(
            sample,
            timestep,
            text,
            hasAddition ? graph.Input(GraphNames.PooledText, OnnxFields.Float, Batch, PooledWidth(config)) : null,
            hasAddition ? graph.Input(GraphNames.TimeIds, OnnxFields.Float, Batch, Sizes) : null,
            guidanceWidth is { } width ? graph.Input(GraphNames.GuidanceCondition, OnnxFields.Float, Batch, width) : null);
    }

    /// <summary>Width of SDXL's pooled text.</summary>
    private static int PooledWidth(EncoderConfig config) =>
        config.ProjectionClassEmbeddingsInputDim!.Value - (Sizes * config.AdditionTimeEmbedDim!.Value);
}
