using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>
/// NormalBae: red is left, green is up, blue is towards the viewer. Either the bare network, or one with pre- and postprocessing inside.
/// </summary>
/// <param name="resolution">The shorter side of the network's input.</param>
/// <param name="bare">Whether the image is normalised outside and the output is -1 to 1 with a fourth channel of confidences.</param>
internal sealed class NormalAnnotator(int resolution, bool bare) : Annotator
{
    private readonly ImagePreparation _preparation = bare
        ? new() { Size = PreparationSize.Resolution, Mean = ImagePreparation.ImageNetMean, Deviation = ImagePreparation.ImageNetDeviation }
        : new() { Size = PreparationSize.Resolution };

    public override string Name => bare ? "normalbae" : "normalbae-01";

    public override string Models =>
        bare ? "own exports of scannet.pt (lllyasviel/Annotators), network only" : "exports with normalisation and scaling inside";

    public override bool Fits(OnnxSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        return signature.Inputs.Count == 1
            && signature.Outputs.Count == 1
            && signature.Outputs[0].Shape.Count == 4
            && signature.Outputs[0].Shape[1] == (bare ? 4 : 3);
    }

    public override TensorData Prepare(ImageBuffer image, OnnxPort port) => _preparation.Apply(image, port, resolution);

    public override ImageBuffer Read(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image)
    {
        var maps = Maps(outputs[0], bare ? 4 : 3, seen);
        if (bare)
            return Normals.FromNetwork(maps[0].Values, maps[1].Values, maps[2].Values, maps[0].Width, maps[0].Height);
        var result = new ImageBuffer(maps[0].Width, maps[0].Height, 3);
        for (var i = 0; i < result.Samples.Length; i++)
            result.Samples[i] = (byte)Math.Clamp(maps[i % 3].Values[i / 3] * 255, 0, 255);
        return result;
    }
}
