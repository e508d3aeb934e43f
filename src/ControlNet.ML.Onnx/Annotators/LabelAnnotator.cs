using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>
/// UniFormer (ailia's upernet_global_small): integer labels. Blue comes first, but is normalised by red's mean, as in ailia's code.
/// </summary>
internal sealed class LabelAnnotator : SegmentationAnnotator
{
    private static readonly ImagePreparation Preparation = new()
    {
        Side = 768,
        Order = ChannelOrder.Bgr,
        Mean = ImagePreparation.ImageNetMean,
        Deviation = ImagePreparation.ImageNetDeviation,
    };

    public override string Name => "uniformer";

    public override string Models => "ailia-models control_net: upernet_global_small.onnx";

    public override bool Fits(OnnxSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        return signature.Inputs.Count == 1 && signature.Outputs.Count == 1 && signature.Outputs[0].Element == OnnxElement.Int64;
    }

    public override TensorData Prepare(ImageBuffer image, OnnxPort port) => Preparation.Apply(image, port, 0);

    public override ImageBuffer Labels(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var (width, height) = outputs[0].Plane(1, seen[3], seen[2]);
        var labels = new ImageBuffer(width, height, 1);
        for (var i = 0; i < labels.Samples.Length; i++)
        {
            var label = outputs[0].Integers[i];
            labels.Samples[i] = label is >= 0 and < 255
                ? (byte)label
                : throw new ControlNetException(
                    $"The network returned the label {label}, expected 0 to {SegmentationPalette.Ade20k.Classes.Count - 1}.");
        }

        return Resize.Apply(labels, image.Width, image.Height, Interpolation.Nearest);
    }

    private protected override SegmentationPalette Palette(IReadOnlyList<OnnxValue> outputs) => SegmentationPalette.Ade20k;
}
