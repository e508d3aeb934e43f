using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>DWPose's pose network (IDEA-Research/DWPose, onnxpose.py and wholebody.py): 133 keypoints of one person.</summary>
internal static class WholeBody
{
    /// <summary>COCO-WholeBody's keypoints: 17 of the body, 6 of the feet, 68 of the face, 21 of each hand.</summary>
    public const int Points = 133;

    private const int FaceStart = 23, LeftHandStart = 91, RightHandStart = 112;
    private const double Margin = 1.25;
    private const double BinsPerPixel = 2;
    private const double Least = 0.3;

    // For samples of 0 to 255, in the order R, G, B although the input is B, G, R: the network was trained this way.
    private static readonly float[] Mean = [123.675f, 116.28f, 103.53f];
    private static readonly float[] Deviation = [58.395f, 57.12f, 57.375f];

    /// <summary>Whether a graph has these inputs and outputs.</summary>
    public static bool Fits(OnnxSignature signature) =>
        signature.Inputs is [{ Element: OnnxElement.Single, Shape: [_, 3, > 0, > 0] }]
        && signature.Outputs is [{ Shape: [_, Points, > 0] }, { Shape: [_, Points, > 0] }];

    /// <summary>The crop for a box: a quarter larger, extended to the aspect ratio of the network's input.</summary>
    public static (double MiddleX, double MiddleY, double Width, double Height) Crop(PersonBox box, OnnxPort port)
    {
        var shape = port.Shape[3] / (double)port.Shape[2];
        var (width, height) = ((box.Right - box.Left) * Margin, (box.Bottom - box.Top) * Margin);
        (width, height) = width > height * shape ? (width, width / shape) : (height * shape, height);
        return ((box.Left + box.Right) * 0.5, (box.Top + box.Bottom) * 0.5, width, height);
    }

    /// <summary>The crop at the network's input size, black outside the image; channels B, G, R.</summary>
    public static TensorData Prepare(ImageBuffer image, PersonBox box, OnnxPort port)
    {
        var (high, wide) = (port.Shape[2], port.Shape[3]);
        var (middleX, middleY, width, _) = Crop(box, port);
        var step = width / wide;
        var flow = new float[2 * wide * high];
        for (var i = 0; i < flow.Length; i += 2)
        {
            flow[i] = (float)(middleX + (((i / 2 % wide) - (wide * 0.5)) * step));
            flow[i + 1] = (float)(middleY + (((i / 2 / wide) - (high * 0.5)) * step));
        }

        var seen = Remap.Apply(image, flow, wide, high);
        var tensor = TensorData.Zeros(1, 3, high, wide);
        for (var i = 0; i < tensor.Count; i++)
        {
            var (c, at) = (i / (wide * high), i % (wide * high));
            tensor.Values[i] = (seen.Samples[(3 * at) + 2 - c] - Mean[c]) / Deviation[c];
        }

        return tensor;
    }

    /// <summary>The keypoints in pixels of the image: for each the largest bins along x and y, and the lower of their two scores.</summary>
    public static IReadOnlyList<(double X, double Y, double Score)> Read(IReadOnlyList<OnnxValue> outputs, PersonBox box, OnnxPort port)
    {
        var (middleX, middleY, width, height) = Crop(box, port);
        return [.. Enumerable.Range(0, Points).Select(point =>
        {
            var (x, scoreX) = Fullest(outputs[0], point);
            var (y, scoreY) = Fullest(outputs[1], point);
            var score = Math.Min(scoreX, scoreY);
            var (binX, binY) = score > 0 ? (x, y) : (-1, -1);
            return (
                (binX / BinsPerPixel / port.Shape[3] * width) + middleX - (width / 2),
                (binY / BinsPerPixel / port.Shape[2] * height) + middleY - (height / 2),
                (double)score);
        })];
    }

    /// <summary>The keypoints as a person to draw: OpenPose's body, hands and face. Feet are not drawn.</summary>
    public static PosePerson ToPerson(IReadOnlyList<(double X, double Y, double Score)> points, int width, int height)
    {
        PosePoint?[] all = [
            .. points.Select(
                point => point.Score > 0 ? new PosePoint(point.X / width, point.Y / height, Math.Min(1, point.Score)) : (PosePoint?)null)];
        return new PosePerson
        {
            Body = CocoKeypoints.ToBody(all[..CocoKeypoints.Count], Least),
            Face = Seen(all[FaceStart..LeftHandStart]),
            LeftHand = Seen(all[LeftHandStart..RightHandStart]),
            RightHand = Seen(all[RightHandStart..]),
        };

        // Body keypoints need a score above the threshold, hands and faces at least the threshold, as in the reference.
        static PosePoint?[] Seen(PosePoint?[] points) => [.. points.Select(point => point is { Score: >= Least } ? point : null)];
    }

    private static (int Bin, float Score) Fullest(OnnxValue output, int point)
    {
        var bins = output.Port.Shape[2];
        var row = output.Floats.AsSpan(point * bins, bins);
        var best = 0;
        for (var i = 1; i < row.Length; i++)
        {
            if (row[i] > row[best])
                best = i;
        }

        return (best, row[best]);
    }
}
