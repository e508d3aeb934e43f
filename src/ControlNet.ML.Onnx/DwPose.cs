using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>
/// DWPose: a detector finds people, and a pose network the keypoints of each person's body, hands and face. Without a detector, or if it
/// finds no one, the whole image counts as one box, as in the public implementation.
/// </summary>
public sealed class DwPose : IPreprocessor
{
    /// <summary>The public file of the pose network, and who publishes it.</summary>
    internal const string PointsFile = "yzd-v/DWPose: dw-ll_ucoco_384.onnx";

    /// <summary>The public file of the person detector.</summary>
    internal const string DetectorFile = "yzd-v/DWPose: yolox_l.onnx";

    private readonly OnnxGraph _points;
    private readonly OnnxGraph? _detector;
    private readonly PoseDrawingOptions _drawing;

    private DwPose(OnnxGraph points, OnnxGraph? detector, PoseDrawingOptions drawing) =>
        (_points, _detector, _drawing) = (points, detector, drawing);

    /// <summary>Opens the networks that the options name.</summary>
    /// <param name="options">The options.</param>
    /// <returns>The preprocessor; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">A file is not named, cannot be read or has other inputs and outputs.</exception>
    public static DwPose Open(DwPoseOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Model.Length == 0)
        {
            throw new ControlNetException(
                $"'dwpose' needs its network: name an ONNX file with the option Model ({PointsFile}), and the person detector with "
                    + $"Detector ({DetectorFile}).");
        }

        ConditionOption.Check(options, "dwpose");
        var run = options.Session;
        var points = Open(options.Model, run, WholeBody.Fits, "DWPose's points ([1, 3, 384, 288] to two outputs of [1, 133, bins])");
        try
        {
            var detector = options.Detector.Length == 0
                ? null
                : Open(options.Detector, run, PersonDetector.Fits, "YOLOX ([1, 3, 640, 640] to [1, cells, 85])");
            return new DwPose(points, detector, options.Drawing);
        }
        catch
        {
            points.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public ImageBuffer Apply(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return PoseDrawing.Draw(Find(image), image.Width, image.Height, _drawing);
    }

    /// <summary>Detects the people in an image.</summary>
    /// <param name="image">The image; alpha is composited on white.</param>
    /// <returns>The people; at least one, of the whole image if no one was found.</returns>
    /// <exception cref="ControlNetException">A network cannot be run.</exception>
    public IReadOnlyList<PosePerson> Find(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var photo = Color.Hwc3(image);
        return [.. Boxes(photo).Select(box => WholeBody.ToPerson(Points(photo, box), photo.Width, photo.Height))];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _points.Dispose();
        _detector?.Dispose();
    }

    /// <summary>Detects the boxes of people.</summary>
    internal IReadOnlyList<PersonBox> Boxes(ImageBuffer photo)
    {
        IReadOnlyList<PersonBox> found = [];
        if (_detector is not null)
        {
            var port = _detector.Signature.Inputs[0];
            found = PersonDetector.Read(_detector.Run(PersonDetector.Prepare(photo, port))[0], photo, port);
        }

        return found.Count > 0 ? found : [new PersonBox(0, 0, photo.Width, photo.Height, 1)];
    }

    /// <summary>Detects the 133 keypoints of one person.</summary>
    internal IReadOnlyList<(double X, double Y, double Score)> Points(ImageBuffer photo, PersonBox box)
    {
        var port = _points.Signature.Inputs[0];
        return WholeBody.Read(_points.Run(WholeBody.Prepare(photo, box, port)), box, port);
    }

    private static OnnxGraph Open(string file, OnnxSessionOptions run, Func<OnnxSignature, bool> fits, string expected)
    {
        var graph = OnnxGraph.Open(file, run);
        if (fits(graph.Signature))
            return graph;
        var signature = graph.Signature;
        graph.Dispose();
        throw new ControlNetException($"{file} has {signature}, expected {expected}.");
    }
}
