using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>
/// Semantic segmentation. The number of classes selects the palette: 150 are ADE20K's, 133 COCO's.
/// Logits are resized to the image's size before the argmax, row by row, so that 150 maps of a megapixel are never in memory at once.
/// </summary>
internal abstract class SegmentationAnnotator : Annotator
{
    /// <summary>Every public variant.</summary>
    /// <param name="size">The shorter side of OneFormer's input.</param>
    public static IReadOnlyList<Annotator> All(int size) => [new OneFormerAnnotator(size), new LabelAnnotator(), new LogitAnnotator()];

    /// <summary>The labels, in one channel.</summary>
    public abstract ImageBuffer Labels(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image);

    public override ImageBuffer Read(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image) =>
        Palette(outputs).ToColors(Labels(outputs, seen, image));

    /// <summary>The palette of the outputs' classes.</summary>
    private protected abstract SegmentationPalette Palette(IReadOnlyList<OnnxValue> outputs);

    private protected static SegmentationPalette PaletteOf(int classes, OnnxPort port) =>
        SegmentationPalette.All.FirstOrDefault(palette => palette.Classes.Count == classes)
        ?? throw new ControlNetException(
            $"The network's output {port} has {classes} classes, expected "
                + $"{string.Join(" or ", SegmentationPalette.All.Select(palette => $"{palette.Classes.Count} ({palette.Name})"))}.");

    /// <summary>
    /// The argmax over classes at every pixel, the lowest class on ties; scores are interpolated with torch's bilinear mode.
    /// </summary>
    private protected static ImageBuffer Largest(
        ReadOnlySpan<float> scores, int classes, int sourceWidth, int sourceHeight, int width, int height)
    {
        var labels = new ImageBuffer(width, height, 1);
        var plane = sourceWidth * sourceHeight;
        var columns = Enumerable.Range(0, width).Select(x => Between(x, width, sourceWidth)).ToArray();
        var line = new float[sourceWidth];
        var best = new float[width];
        for (var y = 0; y < height; y++)
        {
            var (above, below, down) = Between(y, height, sourceHeight);
            var row = labels.Row(y);
            Array.Fill(best, float.NegativeInfinity);
            for (var c = 0; c < classes; c++)
            {
                var upper = scores.Slice((c * plane) + (above * sourceWidth), sourceWidth);
                var lower = scores.Slice((c * plane) + (below * sourceWidth), sourceWidth);
                for (var x = 0; x < line.Length; x++)
                    line[x] = (upper[x] * (1 - down)) + (lower[x] * down);
                for (var x = 0; x < width; x++)
                {
                    var (left, right, across) = columns[x];
                    var score = (line[left] * (1 - across)) + (line[right] * across);
                    if (score > best[x])
                        (best[x], row[x]) = (score, (byte)c);
                }
            }
        }

        return labels;
    }

    private static (int First, int Second, float Fraction) Between(int at, int target, int source)
    {
        var place = Math.Max(0, ((at + 0.5f) * ((float)source / target)) - 0.5f);
        var first = Math.Min((int)place, source - 1);
        return (first, Math.Min(first + 1, source - 1), place - first);
    }
}
