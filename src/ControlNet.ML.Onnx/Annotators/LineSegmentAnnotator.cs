using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>
/// M-LSD: a score at the centre of each line segment and the offsets from there to its ends. The public graphs are 512x512, take R, G, B
/// and 1, and normalise the image, and apply the sigmoid and the thinning of scores, themselves.
/// </summary>
/// <param name="scoreThreshold">Minimum score of a line, 0 to 1.</param>
/// <param name="distanceThreshold">Minimum length of a line, in 256ths of the image's side.</param>
internal sealed class LineSegmentAnnotator(double scoreThreshold, double distanceThreshold)
{
    private const int Best = 200;

    /// <summary>Whether a graph has these inputs and outputs.</summary>
    public static bool Fits(OnnxSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        return signature.Inputs is [{ Element: OnnxElement.Single, Shape: [1, > 0, > 0, 4] }]
            && signature.Outputs.Count == 2 && signature.Outputs.All(
                port => port is { Element: OnnxElement.Single, Shape: [1, > 0, > 0, 1 or 4] });
    }

    /// <summary>The network's input, [1, rows, columns, 4].</summary>
    public static TensorData Prepare(ImageBuffer image, OnnxPort port)
    {
        ArgumentNullException.ThrowIfNull(port);
        var (height, width) = (port.Shape[1], port.Shape[2]);
        var seen = Resize.Apply(image, width, height, Interpolation.Area);
        var tensor = TensorData.Zeros(1, height, width, 4);
        for (int i = 0, s = 0; i < tensor.Count; i += 4, s += 3)
            (tensor.Values[i], tensor.Values[i + 1], tensor.Values[i + 2], tensor.Values[i + 3]) = (
                seen.Samples[s], seen.Samples[s + 1], seen.Samples[s + 2], 1);
        return tensor;
    }

    /// <summary>The lines in pixels of the image, best score first.</summary>
    public IReadOnlyList<LineSegment> Lines(IReadOnlyList<OnnxValue> outputs, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(outputs);
        var scores = outputs.Single(output => output.Port.Shape[3] == 1);
        var offsets = outputs.Single(output => output.Port.Shape[3] == 4).Floats;
        var (rows, columns) = (scores.Port.Shape[1], scores.Port.Shape[2]);
        var (across, down) = ((double)width / columns, (double)height / rows);
        List<LineSegment> lines = [];
        foreach (var at in Enumerable.Range(0, scores.Floats.Length).OrderByDescending(i => scores.Floats[i]).Take(Best))
        {
            var (x, y) = (at % columns, at / columns);
            var (startX, startY, endX, endY) = (
                x + offsets[4 * at], y + offsets[(4 * at) + 1], x + offsets[(4 * at) + 2], y + offsets[(4 * at) + 3]);
            var length = Math.Sqrt(Math.Pow(startX - endX, 2) + Math.Pow(startY - endY, 2));
            if (scores.Floats[at] > scoreThreshold && length > distanceThreshold)
                lines.Add(new LineSegment(
                    (float)(startX * across), (float)(startY * down), (float)(endX * across), (float)(endY * down), scores.Floats[at]));
        }

        return lines;
    }
}
