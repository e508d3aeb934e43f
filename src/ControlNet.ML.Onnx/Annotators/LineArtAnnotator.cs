using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>
/// Informative Drawings (controlnet_aux's lineart): the network draws dark lines on light, the condition is the negative.
/// </summary>
internal sealed class LineArtAnnotator(int resolution) : Annotator
{
    private static readonly ImagePreparation Preparation = new() { Size = PreparationSize.Resolution };

    public override string Name => "lineart";

    public override string Models =>
        "deepghs/imgutils-models: lineart/lineart.onnx, lineart/lineart_coarse.onnx; rocca/informative-drawings-line-art-onnx: "
            + "model.onnx; own exports of sk_model.pth, sk_model2.pth";

    public override bool Fits(OnnxSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        return signature.Inputs.Count == 1 && signature.Outputs.Count == 1 && IsMap(signature.Outputs[0], 1);
    }

    public override TensorData Prepare(ImageBuffer image, OnnxPort port) => Preparation.Apply(image, port, resolution);

    public override ImageBuffer Read(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image) =>
        Color.Negative(Levels(Map(outputs[0], seen)));
}
