using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>Postprocessing of a network's soft edges.</summary>
public enum SoftEdgeStyle
{
    /// <summary>None.</summary>
    Soft,

    /// <summary>Three levels, which hide no faint structure of the photo ("safe").</summary>
    Safe,

    /// <summary>A scribble.</summary>
    Scribble,

    /// <summary>White where the edge is above 0.5, otherwise black.</summary>
    Filter,
}

/// <summary>Soft edge detection: HED and PiDiNet.</summary>
internal sealed class SoftEdgeAnnotator : Annotator
{
    private const int DefaultResolution = 512;
    private readonly string _name, _models;
    private readonly ImagePreparation _preparation;
    private readonly Func<OnnxSignature, bool> _fits;
    private readonly bool _fuse;
    private readonly LearnedSoftEdgeOptions _options;

    private SoftEdgeAnnotator(
        string name, string models, ImagePreparation preparation, LearnedSoftEdgeOptions options, Func<OnnxSignature, bool> fits,
        bool fuse = false) =>
        (_name, _models, _preparation, _options, _fits, _fuse) = (name, models, preparation, options, fits, fuse);

    public override string Name => _name;

    public override string Models => _models;

    /// <summary>
    /// HED: controlnet_aux's network (five maps of logits, images 0 to 255), and one that includes the postprocessing (0 to 1).
    /// </summary>
    public static IReadOnlyList<Annotator> Hed(LearnedSoftEdgeOptions options) =>
    [
        new SoftEdgeAnnotator(
            "hed-projections", "own exports of ControlNetHED.pth (lllyasviel/Annotators) by its network's forward",
            new() { Size = PreparationSize.Resolution, Divisor = 1 }, options, signature => signature.Outputs.Count == 5, fuse: true),
        new SoftEdgeAnnotator(
            "hed", "axodoxian/controlnet_onnx: annotators/hed.onnx",
            new() { Size = options.Resolution is null ? PreparationSize.Square : PreparationSize.Resolution }, options, signature =>
                signature.Outputs.Count == 1),
    ];

    /// <summary>
    /// PiDiNet: controlnet_aux's network (five maps, of which the last is used; channels B, G, R), and one with only the fused map.
    /// </summary>
    public static IReadOnlyList<Annotator> PidiNet(LearnedSoftEdgeOptions options) =>
    [
        new SoftEdgeAnnotator(
            "pidinet", "own exports of table5_pidinet.pth (lllyasviel/Annotators) by its network's forward",
            new() { Size = PreparationSize.Resolution, Order = ChannelOrder.Bgr }, options, signature => signature.Outputs.Count == 5),
        new SoftEdgeAnnotator(
            "pidinet-fused", "bdck/PiDiNet_ONNX, own exports of hellozhuo/pidinet",
            new() { Side = 640, SideDown = 480, Mean = ImagePreparation.ImageNetMean, Deviation = ImagePreparation.ImageNetDeviation },
            options,
            signature => signature.Outputs.Count == 1),
    ];

    public override bool Fits(OnnxSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        return signature.Inputs.Count == 1 && signature.Outputs.All(port => IsMap(port, 1)) && _fits(signature);
    }

    public override TensorData Prepare(ImageBuffer image, OnnxPort port) =>
        _preparation.Apply(image, port, _options.Resolution ?? DefaultResolution);

    public override ImageBuffer Read(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image)
    {
        var edges = _fuse ? Fuse(outputs, seen) : Map(outputs[^1], seen);
        if (_preparation.Size == PreparationSize.Graph)
            edges = Linear(edges, image.Width, image.Height);
        else if (_preparation.Size == PreparationSize.Square)
            edges = Cut(Linear(edges, seen[3], seen[2]), ImagePreparation.PlaceInSquare(image));
        return _options.Style switch
        {
            SoftEdgeStyle.Soft => Levels(edges),
            SoftEdgeStyle.Safe => Levels(Each(edges, SoftEdges.SafeStep)),
            SoftEdgeStyle.Scribble => SoftEdges.Scribble(Levels(edges)),
            SoftEdgeStyle.Filter => Levels(Each(edges, value => value > 0.5f ? 1 : 0)),
            _ =>
                throw new ControlNetException(
                    $"The style is {(int)_options.Style}, expected one of {string.Join(", ", Enum.GetNames<SoftEdgeStyle>())}."),
        };
    }

    /// <summary>The sigmoid of the mean of the maps, each upsampled to the network's input size.</summary>
    private static FloatMap Fuse(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen)
    {
        var mean = new FloatMap(seen[3], seen[2]);
        foreach (var output in outputs)
        {
            var map = Linear(Map(output, seen), seen[3], seen[2]);
            for (var i = 0; i < mean.Values.Length; i++)
                mean.Values[i] += map.Values[i];
        }

        return Each(mean, value => (float)(1 / (1 + Math.Exp(-(double)(value / outputs.Count)))));
    }

    private static FloatMap Cut(FloatMap map, Window window)
    {
        var cut = new FloatMap(window.Width, window.Height);
        for (var y = 0; y < cut.Height; y++)
            map.Values.AsSpan(((window.Y + y) * map.Width) + window.X, cut.Width).CopyTo(cut.Values.AsSpan(y * cut.Width));
        return cut;
    }

    private static FloatMap Each(FloatMap map, Func<float, float> of) => new(map.Width, map.Height, [.. map.Values.Select(of)]);
}
