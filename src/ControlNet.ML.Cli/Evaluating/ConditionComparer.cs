using ControlNet.ML.Conditions;
using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using ControlNet.ML.Onnx;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>Finds the condition of one control network again in images, and compares it with that of the row.</summary>
internal sealed class ConditionComparer : IDisposable
{
    private const float Levels = 255;

    private readonly Annotation _annotation;
    private readonly IPreprocessor _annotator;
    private readonly double _tolerance;

    /// <summary>Opens the annotator.</summary>
    /// <param name="annotation">What finds the condition.</param>
    /// <param name="tolerance">The maximum distance of matching edge pixels.</param>
    /// <exception cref="ControlNetException">Its network is missing or unsupported.</exception>
    public ConditionComparer(Annotation annotation, double tolerance) =>
        (_annotation, _tolerance, _annotator) = (annotation, tolerance, annotation.Open());

    /// <summary>The network, from 0.</summary>
    public int Index => _annotation.Index;

    /// <summary>Measures an image.</summary>
    /// <param name="expected">The row's condition.</param>
    /// <param name="keypoints">The file of the row's keypoints, or null.</param>
    /// <param name="image">The image, of the condition's size.</param>
    /// <param name="metrics">Receives the metrics.</param>
    /// <returns>The confusion of segmentation maps, with the suffix of the network; null for other conditions.</returns>
    /// <exception cref="ControlNetException">The annotator's network cannot be run, or the keypoints cannot be read.</exception>
    public (string Suffix, ConfusionCells Cells)? Measure(
        ConditionSource expected, string? keypoints, ImageBuffer image, Dictionary<string, double> metrics)
    {
        if (_annotation.Measure == ConditionMeasure.Pose && Keypoints(expected, keypoints) is { } people)
        {
            Add("pose_pck", PoseMatch.Compute(people, ((DwPose)_annotator).Find(image)).Share);
            return null;
        }

        var (map, found) = (expected.Condition, _annotator.Apply(image));
        switch (_annotation.Measure)
        {
            case ConditionMeasure.Edges or ConditionMeasure.Pose:
                var edges = EdgeFidelity.Compare(Color.Grey(map), Color.Grey(found), _tolerance);
                Add("edge_f1", edges.F1);
                Add("edge_precision", edges.Precision);
                Add("edge_recall", edges.Recall);
                break;
            case ConditionMeasure.Mask:
                Add("mask_iou", MaskOverlap.Iou(Color.Grey(map), Color.Grey(found)));
                break;
            case ConditionMeasure.Depth:
                var depth = DepthError.Compute(Depths(map), Depths(found));
                Add("depth_rmse", depth.RootMeanSquare);
                Add("depth_correlation", depth.Correlation);
                break;
            case ConditionMeasure.Segmentation:
                var cells = SegmentationLabels.Compare(map, found);
                var confusion = SegmentationLabels.Sum([cells]);
                Add("seg_miou", confusion.MeanIou);
                Add("seg_accuracy", confusion.PixelAccuracy);
                return (_annotation.Suffix, cells);
            default:
                if (Math.Min(map.Width, map.Height) >= StructuralSimilarity.Window)
                    Add("ssim", StructuralSimilarity.Compare(Color.Rgb(map), Color.Rgb(found)));
                break;
        }

        return null;

        // Of two maps without anything in common a measure may be undefined; such a row does not count.
        void Add(string name, double value)
        {
            if (double.IsFinite(value))
                metrics[name + _annotation.Suffix] = value;
        }
    }

    public void Dispose() => _annotator.Dispose();

    /// <summary>The people of the row: those of its file, or those in its photo; null if neither is there.</summary>
    private IReadOnlyList<PosePerson>? Keypoints(ConditionSource expected, string? keypoints)
    {
        var (width, height) = (expected.Condition.Width, expected.Condition.Height);
        if (keypoints is null)
            return expected.Photo is { } photo ? ((DwPose)_annotator).Find(photo) : null;
        var scene = PoseFile.Read(keypoints, new PoseReadOptions { Width = width, Height = height });
        return PoseMatch.Scale(scene, width, height);
    }

    private static float[] Depths(ImageBuffer map) => [.. Color.Grey(map).Samples.Select(level => level / Levels)];
}
