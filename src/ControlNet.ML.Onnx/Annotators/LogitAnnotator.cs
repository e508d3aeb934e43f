using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>SegFormer, UPerNet and other models of transformers' semantic segmentation: logits, [1, classes, h, w], at any size.</summary>
internal sealed class LogitAnnotator : SegmentationAnnotator
{
    private static readonly ImagePreparation Preparation = new()
    {
        Filter = PreparationFilter.PillowBilinear,
        Mean = ImagePreparation.ImageNetMean,
        Deviation = ImagePreparation.ImageNetDeviation,
    };

    public override string Name => "logits";

    public override string Models =>
        "Xenova/segformer-b{0..5}-finetuned-ade-*: onnx/model.onnx; own exports of openmmlab/upernet-convnext-{tiny,small,base}";

    public override bool Fits(OnnxSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        return signature.Inputs.Count == 1 && signature.Outputs.Count == 1
            && signature.Outputs[0] is { Element: OnnxElement.Single, Shape.Count: 4 };
    }

    public override TensorData Prepare(ImageBuffer image, OnnxPort port) => Preparation.Apply(image, port, 0);

    public override ImageBuffer Labels(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image)
    {
        var classes = Palette(outputs).Classes.Count;
        var (width, height) = outputs[0].Plane(classes, seen[3], seen[2]);
        return Largest(outputs[0].Floats, classes, width, height, image.Width, image.Height);
    }

    private protected override SegmentationPalette Palette(IReadOnlyList<OnnxValue> outputs)
    {
        // If the number of classes is dynamic, a map has a quarter of the image's size or all of it, and the number of elements tells 133
        // from 150.
        var port = outputs[0].Port;
        return port.Shape[1] > 0
            ? PaletteOf(port.Shape[1], port)
            : SegmentationPalette.All.FirstOrDefault(palette => outputs[0].Count % palette.Classes.Count == 0)
                ?? PaletteOf(outputs[0].Count, port);
    }
}
