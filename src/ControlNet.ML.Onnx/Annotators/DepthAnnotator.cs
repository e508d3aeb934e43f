using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>Monocular depth estimation. Near is large in all variants, and all maps are scaled to the full range of grey levels.</summary>
internal sealed class DepthAnnotator : Annotator
{
    private enum Back
    {
        /// <summary>Cubic in floats, then levels.</summary>
        CubicThenLevels,

        /// <summary>Linear in floats, then levels.</summary>
        LinearThenLevels,

        /// <summary>Levels, then cubic in 8 bits.</summary>
        LevelsThenCubic,

        /// <summary>Levels, then linear in 8 bits.</summary>
        LevelsThenLinear,
    }

    private readonly string _name, _models;
    private readonly ImagePreparation _preparation;
    private readonly Back _back;
    private readonly bool _invert;
    private readonly Func<OnnxSignature, bool> _fits;

    private DepthAnnotator(
        string name, string models, ImagePreparation preparation, Back back, bool invert, Func<OnnxSignature, bool> fits) =>
        (_name, _models, _preparation, _back, _invert, _fits) = (name, models, preparation, back, invert, fits);

    public override string Name => _name;

    public override string Models => _models;

    /// <summary>MiDaS and DPT, every public variant.</summary>
    /// <param name="invert">True for networks that return distances.</param>
    public static IReadOnlyList<Annotator> Midas(bool invert) =>
    [
        // axodox/axodox-machinelearning, DepthEstimator.cpp.
        new DepthAnnotator(
            "depth-fp16", "axodoxian/controlnet_onnx: annotators/depth.onnx", new() { Filter = PreparationFilter.OpenCvLinear },
            Back.LevelsThenLinear, invert,
            signature => signature.Inputs[0].Element == OnnxElement.Half),

        // transformers, image_processing_dpt.py.
        new DepthAnnotator(
            "dpt-hybrid-midas", "Xenova/dpt-hybrid-midas, Xenova/dpt-large: onnx/model.onnx",
            new() { Side = 384, Filter = PreparationFilter.PillowBilinear, Mean = [0.5f, 0.5f, 0.5f], Deviation = [0.5f, 0.5f, 0.5f] },
            Back.CubicThenLevels, invert,
            signature => signature.Inputs[0].Name == "pixel_values"),

        // isl-org/MiDaS, tf/run_onnx.py: the graph normalises.
        new DepthAnnotator(
            "midas-v21", "isl-org/MiDaS release v2_1: model-f6b98070.onnx (384), model-small.onnx (256)",
            new() { Side = 384, Filter = PreparationFilter.OpenCvCubicFloat }, Back.CubicThenLevels, invert, _ => true),
    ];

    /// <summary>Depth Anything, every public variant.</summary>
    /// <param name="invert">True for the metric networks.</param>
    public static IReadOnlyList<Annotator> DepthAnything(bool invert) =>
    [
        // transformers, image_processing_dpt.py, with the repository's preprocessor_config.json.
        new DepthAnnotator(
            "depth-anything-hf", "Xenova/depth-anything-{small,base,large}-hf, onnx-community/depth-anything-v2-{small,base,large}: "
                + "onnx/model.onnx",
            ImageNet(PreparationFilter.PillowBicubic) with { Size = PreparationSize.Proportion14 }, Back.CubicThenLevels, invert,
            signature => signature.Inputs[0].Name == "pixel_values"),

        // fabio-sim/Depth-Anything-ONNX: infer.py of its first release, dynamo.py of its second.
        new DepthAnnotator(
            "depth-anything-v1", "fabio-sim/Depth-Anything-ONNX releases v1: "
                + "depth_anything_vit{s,b,l}14.onnx", ImageNet(PreparationFilter.OpenCvCubicFloat),
            Back.LinearThenLevels, invert, signature => signature.Outputs[0].Shape.Count == 4),
        new DepthAnnotator(
            "depth-anything-v2", "fabio-sim/Depth-Anything-ONNX releases v2: "
                + "depth_anything_v2_vit{s,b,l}.onnx", ImageNet(PreparationFilter.OpenCvCubicFloat),
            Back.LevelsThenCubic, invert, signature => signature.Outputs[0].Shape.Count == 3),
    ];

    public override bool Fits(OnnxSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        return signature.Inputs.Count == 1
            && signature.Outputs.Count == 1
            && signature.Outputs[0].Element is OnnxElement.Single or OnnxElement.Half
            && _fits(signature);
    }

    public override TensorData Prepare(ImageBuffer image, OnnxPort port) => _preparation.Apply(image, port, 0);

    public override ImageBuffer Read(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image)
    {
        var (width, height) = (image.Width, image.Height);
        var depths = Map(outputs[0], seen);
        var options = new DepthOptions { Invert = _invert };
        return _back switch
        {
            Back.CubicThenLevels => Depth.Apply(Cubic(depths, width, height), options),
            Back.LinearThenLevels => Depth.Apply(Linear(depths, width, height), options),
            Back.LevelsThenCubic => Resize.Apply(Depth.Apply(depths, options), width, height, Interpolation.Cubic),
            _ => Resize.Apply(Depth.Apply(depths, options), width, height, Interpolation.Linear),
        };
    }

    private static ImagePreparation ImageNet(PreparationFilter filter) =>
        new() { Side = 518, Filter = filter, Mean = ImagePreparation.ImageNetMean, Deviation = ImagePreparation.ImageNetDeviation };
}
