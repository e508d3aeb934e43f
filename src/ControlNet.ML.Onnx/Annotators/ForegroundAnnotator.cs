using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>Background removal: RMBG-1.4, and U2Net as in rembg. The subject is white.</summary>
internal static class ForegroundAnnotator
{
    /// <summary>Every public variant.</summary>
    public static IReadOnlyList<Annotator> All { get; } = [new U2Net(), new Rmbg()];

    /// <summary>Minimum to 0, maximum to 1.</summary>
    private static FloatMap Stretch(FloatMap map)
    {
        var (least, most) = (map.Values.Min(), map.Values.Max());
        return new FloatMap(map.Width, map.Height, [.. map.Values.Select(value => most > least ? (value - least) / (most - least) : 0)]);
    }

    /// <summary>briaai/RMBG-1.4's model card.</summary>
    private sealed class Rmbg : Annotator
    {
        private static readonly ImagePreparation Preparation = new()
        {
            Side = 1024,
            Filter = PreparationFilter.TorchBilinear,
            Mean = [0.5f, 0.5f, 0.5f],
        };

        public override string Name => "rmbg";

        public override string Models => "briaai/RMBG-1.4: onnx/model.onnx";

        public override bool Fits(OnnxSignature signature)
        {
            ArgumentNullException.ThrowIfNull(signature);
            return signature.Inputs.Count == 1 && signature.Outputs.Count == 1 && IsMap(signature.Outputs[0], 1);
        }

        public override TensorData Prepare(ImageBuffer image, OnnxPort port) => Preparation.Apply(image, port, 0);

        public override ImageBuffer Read(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image) =>
            Levels(Stretch(Linear(Map(outputs[0], seen), image.Width, image.Height)));
    }

    /// <summary>danielgatis/rembg's u2net session: uses the first of seven maps, and divides samples by the image's largest.</summary>
    private sealed class U2Net : Annotator
    {
        private static readonly ImagePreparation Preparation = new()
        {
            Side = 320,
            Filter = PreparationFilter.PillowLanczos,
            Divisor = 0,
            Mean = ImagePreparation.ImageNetMean,
            Deviation = ImagePreparation.ImageNetDeviation,
        };

        public override string Name => "u2net";

        public override string Models => "danielgatis/rembg release v0.0.0: u2net.onnx, u2netp.onnx, u2net_human_seg.onnx, silueta.onnx";

        public override bool Fits(OnnxSignature signature)
        {
            ArgumentNullException.ThrowIfNull(signature);
            return signature.Inputs.Count == 1 && signature.Outputs.Count == 7 && IsMap(signature.Outputs[0], 1);
        }

        public override TensorData Prepare(ImageBuffer image, OnnxPort port) => Preparation.Apply(image, port, 0);

        public override ImageBuffer Read(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image) =>
            PillowResize.Apply(Levels(Stretch(Map(outputs[0], seen))), image.Width, image.Height, PillowFilter.Lanczos);
    }
}
