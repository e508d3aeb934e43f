using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>M-LSD: detects straight line segments, with a network of this package or your own.</summary>
public sealed class Mlsd : IPreprocessor
{
    private readonly OnnxGraph _graph;
    private readonly LineSegmentAnnotator _annotator;

    private Mlsd(OnnxGraph graph, LineSegmentAnnotator annotator) => (_graph, _annotator) = (graph, annotator);

    /// <summary>Opens the network that the options name.</summary>
    /// <param name="options">The options.</param>
    /// <returns>The preprocessor; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">
    /// A threshold is out of range, or the file cannot be read or has other inputs and outputs.
    /// </exception>
    public static Mlsd Open(LearnedLinesOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ConditionOption.Check(options, "mlsd");
        var run = options.Session;
        var graph = options.Model.Length > 0 ? OnnxGraph.Open(options.Model, run) : Included(options.Network, run);
        if (LineSegmentAnnotator.Fits(graph.Signature))
            return new Mlsd(graph, new LineSegmentAnnotator(options.ScoreThreshold, options.DistanceThreshold));
        graph.Dispose();
        throw new ControlNetException(
            $"{options.Model} has {graph.Signature}, expected M-LSD's [1, 512, 512, 4] to scores [1, 256, 256, 1] and offsets [1, 256, "
                + $"256, 4].");
    }

    /// <summary>The lines, white on black.</summary>
    /// <inheritdoc/>
    public ImageBuffer Apply(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return LineSegments.Draw(Lines(image), image.Width, image.Height);
    }

    /// <summary>Detects the lines of an image, in pixels, best score first, at most 200.</summary>
    /// <param name="image">The image; alpha is composited on white.</param>
    /// <returns>The lines.</returns>
    /// <exception cref="ControlNetException">The network cannot be run.</exception>
    public IReadOnlyList<LineSegment> Lines(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return _annotator.Lines(Run(image), image.Width, image.Height);
    }

    /// <inheritdoc/>
    public void Dispose() => _graph.Dispose();

    /// <summary>The network's raw outputs.</summary>
    internal IReadOnlyList<OnnxValue> Run(ImageBuffer image) =>
        _graph.Run(LineSegmentAnnotator.Prepare(Color.Hwc3(image), _graph.Signature.Inputs[0]));

    private static OnnxGraph Included(LineNetwork network, OnnxSessionOptions run)
    {
        var name = network switch
        {
            LineNetwork.Tiny => "mlsd_512x512_tiny.onnx",
            LineNetwork.Large => "mlsd_512x512_large.onnx",
            _ =>
                throw new ControlNetException(
                    $"The option Network of 'mlsd' is {(int)network}, expected one of {string.Join(", ", Enum.GetNames<LineNetwork>())}."),
        };
        using var stream = typeof(Mlsd).Assembly.GetManifestResourceStream($"mlsd/{name}")!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return OnnxGraph.Open(bytes, name, run);
    }
}
