namespace ControlNet.ML.Cli.Evaluating;

/// <summary>How a condition is compared with the one found in an image.</summary>
internal enum ConditionMeasure
{
    /// <summary>Edges, lines, scribbles, drawn skeletons: F1 of their pixels.</summary>
    Edges,

    /// <summary>Masks: intersection over union.</summary>
    Mask,

    /// <summary>Segmentation maps: intersection over union of their classes.</summary>
    Segmentation,

    /// <summary>Depth maps: error after the best scale and shift.</summary>
    Depth,

    /// <summary>Keypoints of people: the share that was found.</summary>
    Pose,

    /// <summary>Other images: structural similarity.</summary>
    Similarity,
}

/// <summary>The measures by the kind of condition.</summary>
internal static class ConditionMeasures
{
    private static readonly Dictionary<string, ConditionMeasure> Special = new(StringComparer.Ordinal)
    {
        ["canny"] = ConditionMeasure.Edges,
        ["scribble"] = ConditionMeasure.Edges,
        ["scribble_xdog"] = ConditionMeasure.Edges,
        ["lineart_standard"] = ConditionMeasure.Edges,
        ["lineart"] = ConditionMeasure.Edges,
        ["lineart_anime"] = ConditionMeasure.Edges,
        ["invert"] = ConditionMeasure.Edges,
        ["softedge_hed"] = ConditionMeasure.Edges,
        ["softedge_pidinet"] = ConditionMeasure.Edges,
        ["mlsd"] = ConditionMeasure.Edges,
        ["openpose"] = ConditionMeasure.Edges,
        ["dwpose"] = ConditionMeasure.Pose,
        ["threshold"] = ConditionMeasure.Mask,
        ["foreground"] = ConditionMeasure.Mask,
        [SilhouetteAnnotator.Name] = ConditionMeasure.Mask,
        ["segmentation"] = ConditionMeasure.Segmentation,
        ["segmentation_map"] = ConditionMeasure.Segmentation,
        ["depth_midas"] = ConditionMeasure.Depth,
        ["depth_anything"] = ConditionMeasure.Depth,
        ["depth_map"] = ConditionMeasure.Depth,
    };

    /// <summary>The measure for a kind of condition; structural similarity for one that has no other.</summary>
    public static ConditionMeasure Of(string kind) => Special.GetValueOrDefault(kind, ConditionMeasure.Similarity);
}
