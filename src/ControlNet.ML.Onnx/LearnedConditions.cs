using ControlNet.ML.Conditions;

[assembly: ConditionProvider(typeof(ControlNet.ML.Onnx.LearnedConditions))]

namespace ControlNet.ML.Onnx;

/// <summary>The learned conditions for <see cref="ConditionCatalog"/>, and the public files that fit each.</summary>
public sealed class LearnedConditions : IConditionProvider
{
    private readonly List<AnnotatorSource> _sources = [];

    /// <summary>Lists them.</summary>
    public LearnedConditions()
    {
        Kinds =
        [
            Kind<LearnedDepthOptions>(
                "depth_midas", "depth by MiDaS or DPT, near is bright", options => DepthAnnotator.Midas(options.Invert)),
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
            ConditionKind.Learned<DwPoseOptions>(
                "dwpose",
                "OpenPose skeletons of bodies, hands and faces, by DWPose",
                DwPose.Open,
                files: options => GraphFiles.Of(options.Model, options.Detector)),
            ConditionKind.Learned<LearnedLinesOptions>(
                "mlsd",
                "straight lines by M-LSD, whose network is included",
                Mlsd.Open,
                needsFile: false,
                files: options => GraphFiles.Of(options.Model)),
            Kind<LearnedOptions>("foreground", "the subject white, the rest black, by U2Net or RMBG", _ => ForegroundAnnotator.All),
        ];
        _sources.Add(new("dwpose", "dwpose", "model", DwPose.PointsFile));
        _sources.Add(new("dwpose", "dwpose", "detector", DwPose.DetectorFile));
        _sources.Add(new("mlsd", "mlsd", "model", "ControlNet.ML.Onnx: network=large, network=tiny", IsIncluded: true));
    }

    /// <inheritdoc/>
    public IReadOnlyList<ConditionKind> Kinds { get; }

    /// <summary>The files that fit each kind, in the order of the kinds.</summary>
    internal IReadOnlyList<AnnotatorSource> Sources =>
        [.. Kinds.SelectMany(kind => _sources.Where(source => source.Condition == kind.Name))];

    private ConditionKind Kind<TOptions>(string name, string description, Func<TOptions, IReadOnlyList<Annotator>> forms)
        where TOptions : LearnedOptions, new()
    {
        _sources.AddRange(forms(new TOptions()).Select(form => new AnnotatorSource(name, form.Name, "model", form.Models)));
        return ConditionKind.Learned<TOptions>(
            name,
            description,
            options => LearnedCondition.Open(name, options, forms(ConditionOption.Check(options, name))),
            files: options => GraphFiles.Of(options.Model));
    }
}
