namespace ControlNet.ML.Onnx;

/// <summary>How features of images are extracted.</summary>
public sealed record FeatureExtractorOptions
{
    /// <summary>The largest <see cref="BatchSize"/>.</summary>
    public const int LargestBatch = 256;

    /// <summary>How images are prepared. Features of differently prepared images are not comparable, so it is part of the name.</summary>
    /// <value><see cref="FeaturePreparation.ImageNet"/>.</value>
    public FeaturePreparation Preparation { get; init; } = FeaturePreparation.ImageNet;

    /// <summary>Number of images that run together, 1 to 256. A graph whose batch size is fixed has its own.</summary>
    /// <value>8.</value>
    public int BatchSize { get; init; } = 8;

    /// <summary>The graph's output with the features.</summary>
    /// <value>Null: <c>image_embeds</c>, or the only one, or the only one that is a vector for each image.</value>
    public string? Output { get; init; }

    /// <summary>Where and how the graph runs.</summary>
    /// <value>The CPU.</value>
    public OnnxSessionOptions Session { get; init; } = new();
}
