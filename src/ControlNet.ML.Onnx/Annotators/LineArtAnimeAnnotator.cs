using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>Anime2Sketch (controlnet_aux's lineart_anime): sides are multiples of 256, values -1 to 1, dark lines on light.</summary>
internal sealed class LineArtAnimeAnnotator(int resolution) : Annotator
{
    private const int Step = 256;

    public override string Name => "lineart-anime";

    public override string Models => "deepghs/imgutils-models: lineart/lineart_anime.onnx; own exports of netG.pth (Anime2Sketch)";

    public override bool Fits(OnnxSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        return signature.Inputs.Count == 1 && signature.Outputs.Count == 1 && IsMap(signature.Outputs[0], 1);
    }

    public override TensorData Prepare(ImageBuffer image, OnnxPort port)
    {
        var detect = WorkingResolution.ResizeToMultiple64(image, resolution);
        var seen = Resize.Apply(detect, Up(detect.Width), Up(detect.Height), Interpolation.Cubic);
        return new ImagePreparation { Size = PreparationSize.Graph, Divisor = 127.5f, Mean = [1, 1, 1] }
            .Apply(seen, port with { Shape = [1, 3, seen.Height, seen.Width] }, 0);
    }

    public override ImageBuffer Read(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var drawing = Map(outputs[0], seen);
        var levels = new FloatMap(drawing.Width, drawing.Height, [.. drawing.Values.Select(value => (value * 127.5f) + 127.5f)]);
        var (width, height) = WorkingResolution.Multiple64(image.Width, image.Height, resolution);
        return Color.Negative(Cubic(levels, width, height).ToLevels());
    }

    private static int Up(int side) => (side + Step - 1) / Step * Step;
}
