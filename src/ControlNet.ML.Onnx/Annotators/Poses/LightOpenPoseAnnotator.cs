using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>
/// Lightweight OpenPose: heat maps and part affinity fields as OpenPose's, of two stages of which the last counts, read as its own
/// demonstration program reads them (Daniil-Osokin/lightweight-human-pose-estimation.pytorch: demo.py, modules/keypoints.py).
/// </summary>
internal sealed class LightOpenPoseAnnotator(PoseDrawingOptions drawing) : Annotator
{
    private const int Step = 8;
    private const int Upsampling = 4;
    private const int Height = 256;
    private const int Parts = 18;
    private const float Mean = 128;
    private const float Deviation = 256;

    public override string Name => "openpose-light";

    public override string Models => "Daniil-Osokin/lightweight-human-pose-estimation.pytorch: human-pose-estimation.onnx";

    public override bool Fits(OnnxSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        return signature.Inputs.Count == 1 && signature.Outputs is [_, _, .., var heat, var fields] && signature.Outputs.Count % 2 == 0
            && IsMap(heat, Parts + 1) && IsMap(fields, 2 * PoseLimbs.All.Count);
    }

    public override TensorData Prepare(ImageBuffer image, OnnxPort port)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(port);
        var high = port.Shape[2] > 0 ? port.Shape[2] : Height;
        var wide = port.Shape[3] > 0 ? port.Shape[3] : Math.Max(Up((int)Math.Round((double)image.Width * high / image.Height)), high);
        var scale = Scale(image, wide, high);
        var (width, height) = (Side(image.Width, scale), Side(image.Height, scale));
        var scaled = Resize.Apply(image, width, height, Interpolation.Linear);
        var tensor = TensorData.Zeros(1, 3, high, wide);
        for (var c = 0; c < 3; c++)
        {
            for (var y = 0; y < high; y++)
            {
                for (var x = 0; x < wide; x++)
                {
                    var sample = x < width && y < height ? scaled.Samples[(((y * width) + x) * 3) + 2 - c] : 0;
                    tensor.Values[(((c * high) + y) * wide) + x] = (sample - Mean) / Deviation;
                }
            }
        }

        return tensor;
    }

    public override ImageBuffer Read(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(outputs);
        ArgumentNullException.ThrowIfNull(image);
        var (peaks, people) = Find(outputs, seen);
        var scale = Scale(image, seen[3], seen[2]) * Upsampling / Step;
        return PoseDrawing.Draw(
            [.. people.Select(person => new PosePerson
            {
                Body = [.. person.Parts.Select(peak => peak < 0 ? (PosePoint?)null : Point(peaks[peak], scale, image))],
            })],
            image.Width,
            image.Height,
            drawing);
    }

    /// <summary>Finds keypoints, in pixels of maps of half the input's size, and people.</summary>
    internal static (IReadOnlyList<PosePeak> Peaks, IReadOnlyList<PoseCandidate> People) Find(
        IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen)
    {
        var heat = Upsampled(Maps(outputs[^2], Parts + 1, seen));
        List<PosePeak> peaks = [];
        for (var part = 0; part < Parts; part++)
            LightPosePeaks.Find(heat[part], part, peaks);
        return (peaks, LightPosePeople.Find(peaks, Upsampled(Maps(outputs[^1], 2 * PoseLimbs.All.Count, seen))));
    }

    private static FloatMap[] Upsampled(FloatMap[] maps) =>
        [.. maps.Select(map => Cubic(map, map.Width * Upsampling, map.Height * Upsampling))];

    /// <summary>A keypoint in whole pixels of the image, relative to its size.</summary>
    private static PosePoint Point(PosePeak peak, double scale, ImageBuffer image) => new(
        (int)(peak.X / scale) / (double)image.Width,
        (int)(peak.Y / scale) / (double)image.Height,
        Math.Clamp(peak.Score, float.Epsilon, 1));

    /// <summary>The scale to the rows of the input, or to its columns if the image is wider.</summary>
    private static double Scale(ImageBuffer image, int wide, int high) =>
        Math.Min((double)high / image.Height, (double)wide / image.Width);

    private static int Side(int side, double scale) => Math.Max(1, (int)Math.Round(side * scale));

    private static int Up(int side) => (side + Step - 1) / Step * Step;
}
