using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>A bounding box of a person, in pixels of the image.</summary>
/// <param name="Left">Left edge.</param>
/// <param name="Top">Top edge.</param>
/// <param name="Right">Right edge.</param>
/// <param name="Bottom">Bottom edge.</param>
/// <param name="Score">The detector's confidence.</param>
internal readonly record struct PersonBox(float Left, float Top, float Right, float Bottom, float Score)
{
    /// <summary>Intersection over union of two boxes; both edge pixels count.</summary>
    public float Overlap(PersonBox other)
    {
        var width = Math.Max(0, Math.Min(Right, other.Right) - Math.Max(Left, other.Left) + 1);
        var height = Math.Max(0, Math.Min(Bottom, other.Bottom) - Math.Max(Top, other.Top) + 1);
        return width * height / (Area + other.Area - (width * height));
    }

    private float Area => (Right - Left + 1) * (Bottom - Top + 1);
}

/// <summary>YOLOX as DWPose uses it (IDEA-Research/DWPose, onnxdet.py): detects people.</summary>
internal static class PersonDetector
{
    private const int Person = 0;
    private const int BoxValues = 5;
    private const byte Grey = 114;
    private const float LeastOfClass = 0.1f, LeastOfPerson = 0.3f, MostOverlap = 0.45f;
    private static readonly int[] Strides = [8, 16, 32];

    /// <summary>Whether a graph has an image input of fixed size and an output [1, cells, 5 + classes].</summary>
    public static bool Fits(OnnxSignature signature) =>
        signature.Inputs is [{ Element: OnnxElement.Single, Shape: [_, 3, > 0, > 0] }]
        && signature.Outputs is [{ Element: OnnxElement.Single, Shape: [_, _, > BoxValues] }];

    /// <summary>Letterboxes the image at the top left, on grey; channels B, G, R, 0 to 255.</summary>
    public static TensorData Prepare(ImageBuffer image, OnnxPort port)
    {
        var (high, wide) = (port.Shape[2], port.Shape[3]);
        var scale = Scale(image, port);
        var scaled = Resize.Apply(
            image, Math.Max(1, (int)(image.Width * scale)), Math.Max(1, (int)(image.Height * scale)), Interpolation.Linear);
        var tensor = TensorData.Zeros(1, 3, high, wide);
        Array.Fill(tensor.Values, Grey);
        for (var c = 0; c < 3; c++)
        {
            for (var y = 0; y < scaled.Height; y++)
            {
                var row = tensor.Values.AsSpan(((c * high) + y) * wide, scaled.Width);
                for (var x = 0; x < row.Length; x++)
                    row[x] = scaled.Samples[(((y * scaled.Width) + x) * 3) + 2 - c];
            }
        }

        return tensor;
    }

    /// <summary>People after non-maximum suppression, best score first.</summary>
    public static IReadOnlyList<PersonBox> Read(OnnxValue output, ImageBuffer image, OnnxPort port)
    {
        var values = output.Port.Shape[2];
        var scale = Scale(image, port);
        List<PersonBox> boxes = [];
        var cell = 0;
        foreach (var stride in Strides)
        {
            for (var y = 0; y < port.Shape[2] / stride; y++)
            {
                for (var x = 0; x < port.Shape[3] / stride; x++, cell++)
                {
                    var row = output.Floats.AsSpan(cell * values, values);
                    var score = row[4] * row[BoxValues + Person];
                    if (!(score > LeastOfClass))
                        continue;
                    var (middleX, middleY) = ((row[0] + x) * stride, (row[1] + y) * stride);
                    var (halfWidth, halfHeight) = (MathF.Exp(row[2]) * stride / 2, MathF.Exp(row[3]) * stride / 2);
                    boxes.Add(new PersonBox(
                (middleX - halfWidth) / scale,
                (middleY - halfHeight) / scale,
                (middleX + halfWidth) / scale,
                (middleY + halfHeight) / scale,
                score));
                }
            }
        }

        // Of equal scores the last comes first: the reference sorts in ascending order and reads from the end.
        List<PersonBox> kept = [];
        foreach (var box in boxes.OrderBy(box => box.Score).Reverse())
        {
            if (kept.All(other => other.Overlap(box) <= MostOverlap))
                kept.Add(box);
        }

        return [.. kept.Where(box => box.Score > LeastOfPerson)];
    }

    private static float Scale(ImageBuffer image, OnnxPort port) =>
        Math.Min(port.Shape[2] / (float)image.Height, port.Shape[3] / (float)image.Width);
}
