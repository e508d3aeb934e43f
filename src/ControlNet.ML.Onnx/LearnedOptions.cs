namespace ControlNet.ML.Onnx;

/// <summary>Settings of every learned condition.</summary>
public record LearnedOptions
{
    /// <summary>The network's ONNX file.</summary>
    /// <value>Empty: it has to be named.</value>
    public string Model { get; init; } = "";

    /// <summary>Which public form the network has, where its inputs and outputs do not tell; the condition's documentation lists them.</summary>
    /// <value>Empty: by the inputs and outputs.</value>
    public string Variant { get; init; } = "";

    /// <summary>The GPU to run on, from 0; -1 for the CPU.</summary>
    /// <value>-1.</value>
    public int Gpu { get; init; } = -1;
}

/// <summary>Settings of networks that see the picture at a resolution of one's choice.</summary>
public record LearnedResolutionOptions : LearnedOptions
{
    /// <summary>The shorter side that the network sees, 64 to 8,192; both sides become multiples of 64.</summary>
    /// <value>512.</value>
    public int Resolution { get; init; } = 512;
}

/// <summary>Settings of depth networks.</summary>
public sealed record LearnedDepthOptions : LearnedOptions
{
    /// <summary>Whether to give the negative: for metric networks, which give distances.</summary>
    /// <value>False.</value>
    public bool Invert { get; init; }
}

/// <summary>Settings of soft edge networks.</summary>
public sealed record LearnedSoftEdgeOptions : LearnedResolutionOptions
{
    /// <summary>What becomes of the edges.</summary>
    /// <value><see cref="SoftEdgeStyle.Soft"/>.</value>
    public SoftEdgeStyle Style { get; init; } = SoftEdgeStyle.Soft;
}

/// <summary>Settings of segmentation networks.</summary>
public sealed record LearnedSegmentationOptions : LearnedOptions
{
    /// <summary>What the shorter side is brought to for OneFormer, 32 to 8,192; the other networks have their own.</summary>
    /// <value>512.</value>
    public int Size { get; init; } = 512;
}
