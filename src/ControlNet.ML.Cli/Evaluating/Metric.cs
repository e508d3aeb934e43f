namespace ControlNet.ML.Cli.Evaluating;

/// <summary>A metric of the report.</summary>
/// <param name="Name">Its name in files, without the suffix of a network.</param>
/// <param name="Better">An arrow up if larger is better, down if smaller is.</param>
/// <param name="Meaning">What it measures.</param>
internal sealed record Metric(string Name, string Better, string Meaning)
{
    private const string Up = "↑", Down = "↓";

    /// <summary>All metrics, in the order of the report.</summary>
    public static IReadOnlyList<Metric> All { get; } =
    [
        new("edge_f1", Up, "edge pixels, F1"),
        new("edge_precision", Up, "edge pixels, precision"),
        new("edge_recall", Up, "edge pixels, recall"),
        new("mask_iou", Up, "masks, intersection over union"),
        new("seg_miou", Up, "segmentation, mean IoU of the classes, over all images"),
        new("seg_accuracy", Up, "segmentation, share of the pixels, over all images"),
        new("depth_rmse", Down, "depth, root mean square error, of a range of 0 to 1"),
        new("depth_correlation", Up, "depth, correlation"),
        new("pose_pck", Up, "keypoints within a tenth of the person's size"),
        new("ssim", Up, "structural similarity of the conditions"),
        new("clip", Up, "CLIP score, cosine"),
        new("aesthetic", Up, "aesthetic score"),
        new("fid", Down, "Fréchet distance (FID)"),
        new("kid", Down, "kernel distance (KID)"),
        new("precision", Up, "share of the generated images in the neighbourhood of a real one: quality"),
        new("recall", Up, "share of the real images in the neighbourhood of a generated one: diversity"),
        new("density", Up, "mean number of real neighbourhoods that hold a generated image, over k = 3"),
        new("coverage", Up, "share of the real images with a generated one in their neighbourhood"),
    ];

    /// <summary>The metric of a name, with or without the suffix of a network.</summary>
    public static Metric Find(string name) => All.First(metric => name == metric.Name
        || (name.StartsWith(metric.Name + "_", StringComparison.Ordinal)
            && name.AsSpan(metric.Name.Length + 1).IndexOfAnyExceptInRange('0', '9') < 0));

    /// <summary>Orders names as the report does: by the metric, then by the network.</summary>
    public static IEnumerable<string> Order(IEnumerable<string> names) =>
        names.OrderBy(name => All.Index().First(entry => entry.Item == Find(name)).Index).ThenBy(name => name.Length)
            .ThenBy(name => name, StringComparer.Ordinal);
}
