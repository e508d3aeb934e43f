using ControlNet.ML.Conditions;

[assembly: ConditionProvider(typeof(ControlNet.ML.Onnx.LearnedConditions))]

namespace ControlNet.ML.Onnx;

/// <summary>The learned conditions for <see cref="ConditionCatalog"/>: one line each.</summary>
public sealed class LearnedConditions : IConditionProvider
{
    /// <inheritdoc/>
    public IReadOnlyList<ConditionKind> Kinds { get; } =
    [
        Kind<LearnedDepthOptions>("depth_midas", "depth by MiDaS or DPT, near is bright", options => DepthAnnotator.Midas(options.Invert)),
        Kind<LearnedDepthOptions>(
            "depth_anything", "depth by Depth Anything, near is bright", options => DepthAnnotator.DepthAnything(options.Invert)),
        Kind<LearnedSoftEdgeOptions>(
            "softedge_hed", "soft edges by HED; also as a safe map or a scribble", options => SoftEdgeAnnotator.Hed(Checked(options))),
        Kind<LearnedSoftEdgeOptions>(
            "softedge_pidinet",
            "soft edges by PiDiNet; also as a safe map or a scribble",
            options => SoftEdgeAnnotator.PidiNet(Checked(options))),
        Kind<LearnedResolutionOptions>(
            "lineart", "line art by Informative Drawings", options => [new LineArtAnnotator(Checked(options).Resolution)]),
        Kind<LearnedResolutionOptions>(
            "lineart_anime",
            "line art of anime drawings by Anime2Sketch",
            options => [new LineArtAnimeAnnotator(Checked(options).Resolution)]),
        Kind<LearnedResolutionOptions>(
            "normal_bae",
            "surface normals by NormalBae",
            options => [new NormalAnnotator(Checked(options).Resolution, true), new NormalAnnotator(options.Resolution, false)]),
        Kind<LearnedSegmentationOptions>(
            "segmentation",
            "segmentation map of ADE20K's or COCO's classes, by SegFormer, UPerNet, OneFormer or UniFormer",
            options => SegmentationAnnotator.All(SizeOf(options))),
        Kind<LearnedPoseOptions>("openpose", "OpenPose skeletons of bodies", options => [new OpenPoseAnnotator(options.Drawing)]),
        ConditionKind.Learned<DwPoseOptions>("dwpose", "OpenPose skeletons of bodies, hands and faces, by DWPose", DwPose.Open),
        ConditionKind.Learned<LearnedLinesOptions>(
            "mlsd", "straight lines by M-LSD, whose network is included", Mlsd.Open, needsFile: false),
        Kind<LearnedOptions>("foreground", "the subject white, the rest black, by U2Net or RMBG", _ => ForegroundAnnotator.All),
    ];

    private static ConditionKind Kind<TOptions>(string name, string description, Func<TOptions, IReadOnlyList<Annotator>> forms)
        where TOptions : LearnedOptions, new() =>
        ConditionKind.Learned<TOptions>(name, description, options => LearnedCondition.Open(name, options, forms(options)));

    private static LearnedResolutionOptions Checked(LearnedResolutionOptions options)
    {
        CheckResolution(options.Resolution);
        return options;
    }

    private static LearnedSoftEdgeOptions Checked(LearnedSoftEdgeOptions options)
    {
        if (options.Resolution is { } resolution)
            CheckResolution(resolution);
        return options;
    }

    private static void CheckResolution(int resolution)
    {
        if (resolution is not (>= 64 and <= 8192))
            throw new ControlNetException($"The option Resolution is {resolution}, expected 64 to 8,192.");
    }

    private static int SizeOf(LearnedSegmentationOptions options) =>
        options.Size is >= 32 and <= 8192
            ? options.Size
            : throw new ControlNetException($"The option Size is {options.Size}, expected 32 to 8,192.");
}
