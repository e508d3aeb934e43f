using System.ComponentModel.DataAnnotations;
using ControlNet.ML.Conditions;

namespace ControlNet.ML.Onnx;

/// <summary>Settings of every learned condition.</summary>
public record LearnedOptions
{
    /// <summary>The network's ONNX file.</summary>
    /// <value>Empty: it has to be named.</value>
    public string Model { get; init; } = "";

    /// <summary>
    /// The public variant of the network, if its inputs and outputs do not determine it; the condition's documentation lists them.
    /// </summary>
    /// <value>Empty: determined by the inputs and outputs.</value>
    public string Variant { get; init; } = "";

    /// <summary>
    /// The execution providers to run on, best first, separated by commas: <c>cpu</c>, <c>cuda</c>, <c>tensorrt</c>, <c>directml</c>,
    /// <c>openvino</c> or <c>coreml</c>.
    /// </summary>
    /// <value><c>cpu</c>.</value>
    public string Providers { get; init; } = "cpu";

    /// <summary>The GPU to run on, from 0.</summary>
    /// <value>0.</value>
    [Range(0, int.MaxValue)]
    public int Device { get; init; }

    /// <summary>Where the network runs.</summary>
    /// <exception cref="ControlNetException">A provider is unknown.</exception>
    internal OnnxSessionOptions Session => new() { Providers = ExecutionProviders.Parse(Providers), Device = Device };
}

/// <summary>Settings of networks with a configurable input resolution.</summary>
public record LearnedResolutionOptions : LearnedOptions
{
    /// <summary>The shorter side of the network's input in pixels, 64 to 8,192; both sides are rounded to multiples of 64.</summary>
    /// <value>512.</value>
    [Range(64, 8192)]
    public int Resolution { get; init; } = 512;
}

/// <summary>Settings of depth networks.</summary>
public sealed record LearnedDepthOptions : LearnedOptions
{
    /// <summary>Whether to invert the map: for metric networks, which return distances.</summary>
    /// <value>False.</value>
    public bool Invert { get; init; }
}

/// <summary>Settings of soft edge networks.</summary>
public sealed record LearnedSoftEdgeOptions : LearnedOptions
{
    /// <summary>
    /// The shorter side of the network's input in pixels, 64 to 8,192; both sides are rounded to multiples of 64. Null for the variant's
    /// own rule: 512, except for <c>hed</c>, which takes the image at its own size. <c>pidinet-fused</c> always has its own size.
    /// </summary>
    /// <value>Null.</value>
    [Range(64, 8192)]
    public int? Resolution { get; init; }

    /// <summary>Postprocessing of the edges.</summary>
    /// <value><see cref="SoftEdgeStyle.Soft"/>.</value>
    public SoftEdgeStyle Style { get; init; } = SoftEdgeStyle.Soft;
}

/// <summary>Settings of segmentation networks.</summary>
public sealed record LearnedSegmentationOptions : LearnedOptions
{
    /// <summary>The shorter side of OneFormer's input in pixels, 32 to 8,192; the other networks have their own.</summary>
    /// <value>512.</value>
    [Range(32, 8192)]
    public int Size { get; init; } = 512;
}

/// <summary>Settings of M-LSD.</summary>
public sealed record LearnedLinesOptions : LearnedOptions
{
    /// <summary>The network of this package to use if no file is named.</summary>
    /// <value><see cref="LineNetwork.Large"/>, the public annotator's.</value>
    public LineNetwork Network { get; init; } = LineNetwork.Large;

    /// <summary>Minimum score of a line, 0 to 1.</summary>
    /// <value>0.1.</value>
    [Range(0, 1)]
    public double ScoreThreshold { get; init; } = 0.1;

    /// <summary>Minimum length of a line in 256ths of the image's side, 0 to 256.</summary>
    /// <value>0.1.</value>
    [Range(0, 256)]
    public double DistanceThreshold { get; init; } = 0.1;
}

/// <summary>The M-LSD networks in this package.</summary>
public enum LineNetwork
{
    /// <summary>2.5 MB, faster.</summary>
    Tiny,

    /// <summary>6 MB, finds more lines.</summary>
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

    /// <summary>Whether hands are drawn, if the network finds them.</summary>
    /// <value>True.</value>
    public bool Hands { get; init; } = true;

    /// <summary>Whether faces are drawn, if the network finds them.</summary>
    /// <value>True.</value>
    public bool Face { get; init; } = true;

    /// <summary>These settings as options of the drawing.</summary>
    internal PoseDrawingOptions Drawing => new() { Style = Style, Body = Body, Hands = Hands, Face = Face };
}

/// <summary>Settings of <see cref="DwPose"/>.</summary>
public sealed record DwPoseOptions : LearnedPoseOptions
{
    /// <summary>The ONNX file of the person detector; without one the whole image counts as one person.</summary>
    /// <value>Empty.</value>
    public string Detector { get; init; } = "";
}
