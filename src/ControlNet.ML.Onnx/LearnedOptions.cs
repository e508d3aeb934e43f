using ControlNet.ML.Conditions;

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

/// <summary>Settings of networks that see the image at a resolution of one's choice.</summary>
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
public sealed record LearnedSoftEdgeOptions : LearnedOptions
{
    /// <summary>
    /// The shorter side that the network sees, 64 to 8,192; both sides become multiples of 64. Null for the form's own rule: 512, but for
    /// <c>hed</c>, which sees the image at its own size. <c>pidinet-fused</c> has a size of its own always.
    /// </summary>
    /// <value>Null.</value>
    public int? Resolution { get; init; }

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

/// <summary>Settings of M-LSD.</summary>
public sealed record LearnedLinesOptions : LearnedOptions
{
    /// <summary>Which of the two networks that come with this package, where no file is named.</summary>
    /// <value><see cref="LineNetwork.Large"/>, the public annotator's.</value>
    public LineNetwork Network { get; init; } = LineNetwork.Large;

    /// <summary>Lines of a lower score are left out, 0 to 1.</summary>
    /// <value>0.1.</value>
    public double ScoreThreshold { get; init; } = 0.1;

    /// <summary>Shorter lines are left out; in 256ths of the image's side, 0 to 256.</summary>
    /// <value>0.1.</value>
    public double DistanceThreshold { get; init; } = 0.1;
}

/// <summary>M-LSD's networks that come with this package.</summary>
public enum LineNetwork
{
    /// <summary>2.5 MB: fast.</summary>
    Tiny,

    /// <summary>6 MB: finds more.</summary>
    Large,
}

/// <summary>Settings of pose networks.</summary>
public record LearnedPoseOptions : LearnedOptions
{
    /// <summary>How people are drawn.</summary>
    /// <value><see cref="PoseStyle.V11"/>, which the public networks of ControlNet 1.1 were trained with.</value>
    public PoseStyle Style { get; init; } = PoseStyle.V11;

    /// <summary>Whether bodies are drawn.</summary>
    /// <value>True.</value>
    public bool Body { get; init; } = true;

    /// <summary>Whether hands are drawn, where the network finds them.</summary>
    /// <value>True.</value>
    public bool Hands { get; init; } = true;

    /// <summary>Whether faces are drawn, where the network finds them.</summary>
    /// <value>True.</value>
    public bool Face { get; init; } = true;

    /// <summary>The same for the drawing.</summary>
    internal PoseDrawingOptions Drawing => new() { Style = Style, Body = Body, Hands = Hands, Face = Face };
}

/// <summary>Settings of <see cref="DwPose"/>.</summary>
public sealed record DwPoseOptions : LearnedPoseOptions
{
    /// <summary>The ONNX file that finds people; without one the whole image counts as one person.</summary>
    /// <value>Empty.</value>
    public string Detector { get; init; } = "";
}
