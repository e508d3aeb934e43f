using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>OneFormer, postprocessed as in transformers: class probabilities of queries, each with a mask, summed to scores.</summary>
/// <param name="size">The shorter side of the network's input.</param>
internal sealed class OneFormerAnnotator(int size) : SegmentationAnnotator
{
    private const int TextLength = 77;

    // CLIP's tokens of "the task is semantic", between its start and end marks; the rest is zero.
    private static readonly long[] Task = [49406, 518, 10549, 533, 42633, 49407];

    private readonly ImagePreparation _preparation = new()
    {
        Size = PreparationSize.Shortest,
        Side = size,
        Filter = PreparationFilter.PillowBilinear,
        Mean = ImagePreparation.ImageNetMean,
        Deviation = ImagePreparation.ImageNetDeviation,
    };

    public override string Name => "oneformer";

    public override string Models => "own exports of shi-labs/oneformer_ade20k_* or oneformer_coco_*";

    public override bool Fits(OnnxSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        return signature.Outputs is [{ Shape.Count: 3 }, { Shape.Count: 4 }];
    }

    public override TensorData Prepare(ImageBuffer image, OnnxPort port) => _preparation.Apply(image, port, 0);

    public override ImageBuffer Labels(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image)
    {
        var (classes, queries) = Shape(outputs);
        var (width, height) = outputs[1].Plane(queries, seen[3], seen[2]);
        var plane = width * height;
        var scores = new float[checked(classes * plane)];
        for (var q = 0; q < queries; q++)
        {
            var share = Softmax(outputs[0].Floats.AsSpan(q * (classes + 1), classes + 1));
            var mask = outputs[1].Floats.AsSpan(q * plane, plane).ToArray();
            foreach (ref var value in mask.AsSpan())
                value = 1 / (1 + MathF.Exp(-value));
            for (var c = 0; c < classes; c++)
                System.Numerics.Tensors.TensorPrimitives.MultiplyAdd(
                    mask, share[c], scores.AsSpan(c * plane, plane), scores.AsSpan(c * plane, plane));
        }

        return Largest(scores, classes, width, height, image.Width, image.Height);
    }

    internal override long[]? Tokens(OnnxSignature signature)
    {
        if (signature.Inputs.All(port => port.Element != OnnxElement.Int64))
            return null;
        var tokens = new long[TextLength];
        Task.CopyTo(tokens, 0);
        return tokens;
    }

    private protected override SegmentationPalette Palette(IReadOnlyList<OnnxValue> outputs) =>
        PaletteOf(Shape(outputs).Classes, outputs[0].Port);

    private static (int Classes, int Queries) Shape(IReadOnlyList<OnnxValue> outputs)
    {
        // The last class is "none".
        var classes = outputs[0].Port.Shape[2] > 0
            ? outputs[0].Port.Shape[2] - 1
            : SegmentationPalette.All.Select(palette => palette.Classes.Count).FirstOrDefault(count => outputs[0].Count % (count + 1) == 0);
        return (classes, outputs[0].Count / (classes + 1));
    }

    private static float[] Softmax(ReadOnlySpan<float> logits)
    {
        var shares = new float[logits.Length];
        System.Numerics.Tensors.TensorPrimitives.SoftMax(logits, shares);
        return shares;
    }
}
