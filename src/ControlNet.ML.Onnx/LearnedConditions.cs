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
            "softedge_hed", "soft edges by HED; also as a safe map or a scribble", options => SoftEdgeAnnotator.Hed(options)),
        Kind<LearnedSoftEdgeOptions>(
            "softedge_pidinet",
            "soft edges by PiDiNet; also as a safe map or a scribble",
            options => SoftEdgeAnnotator.PidiNet(options)),
        Kind<LearnedResolutionOptions>(
            "lineart", "line art by Informative Drawings", options => [new LineArtAnnotator(options.Resolution)]),
        Kind<LearnedResolutionOptions>(
            "lineart_anime",
            "line art of anime drawings by Anime2Sketch",
            options => [new LineArtAnimeAnnotator(options.Resolution)]),
        Kind<LearnedResolutionOptions>(
            "normal_bae",
            "surface normals by NormalBae",
            options => [new NormalAnnotator(options.Resolution, true), new NormalAnnotator(options.Resolution, false)]),
        Kind<LearnedSegmentationOptions>(
            "segmentation",
            "segmentation map of ADE20K's or COCO's classes, by SegFormer, UPerNet, OneFormer or UniFormer",
            options => SegmentationAnnotator.All(options.Size)),
        Kind<LearnedPoseOptions>(
            "openpose",
            "OpenPose skeletons of bodies, by OpenPose or its lightweight variant",
            options => [new OpenPoseAnnotator(options.Drawing), new LightOpenPoseAnnotator(options.Drawing)]),
        ConditionKind.Learned<DwPoseOptions>("dwpose", "OpenPose skeletons of bodies, hands and faces, by DWPose", DwPose.Open),
        ConditionKind.Learned<LearnedLinesOptions>(
            "mlsd", "straight lines by M-LSD, whose network is included", Mlsd.Open, needsFile: false),
        Kind<LearnedOptions>("foreground", "the subject white, the rest black, by U2Net or RMBG", _ => ForegroundAnnotator.All),
    ];

    private static ConditionKind Kind<TOptions>(string name, string description, Func<TOptions, IReadOnlyList<Annotator>> forms)
        where TOptions : LearnedOptions, new() =>
        ConditionKind.Learned<TOptions>(
            name, description, options => LearnedCondition.Open(name, options, forms(ConditionOption.Check(options, name))));
}
