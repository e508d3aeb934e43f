using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>
/// OpenPose's body network: assembles people from 19 heat maps of keypoints and 38 part affinity fields. controlnet_aux and the original
/// annotator resize differently, and so find keypoints a pixel apart; <see cref="PoseStyle.Original"/> follows the latter, the other styles
/// the former.
/// </summary>
internal sealed class OpenPoseAnnotator(PoseDrawingOptions drawing) : Annotator
{
    private const int Step = 8;
    private const int Parts = 18;
    private const byte Padding = 128;

    private bool IsOriginal => drawing.Style == PoseStyle.Original;

    public override string Name => "openpose";

    public override string Models =>
        "divamgupta/controlnet_tensorflow: body_pose_model.onnx, ailia-models control_net: pose_body.onnx, own exports of "
            + "body_pose_model.pth";

    public override bool Fits(OnnxSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        return signature.Inputs.Count == 1 && signature.Outputs.Count == 2
            && signature.Outputs.Any(port => IsMap(port, 2 * PoseLimbs.All.Count)) && signature.Outputs.Any(port => IsMap(port, Parts + 1));
    }

    public override TensorData Prepare(ImageBuffer image, OnnxPort port)
    {
        ArgumentNullException.ThrowIfNull(image);
        var (width, height) = Scaled(image);
        var interpolation = IsOriginal ? Interpolation.Cubic : Scale(image) < 1 ? Interpolation.Area : Interpolation.Lanczos4;
        var scaled = Resize.Apply(image, width, height, interpolation);
        var (wide, high) = (Up(width), Up(height));
        var tensor = TensorData.Zeros(1, 3, high, wide);
        for (var c = 0; c < 3; c++)
        {
            for (var y = 0; y < high; y++)
            {
                for (var x = 0; x < wide; x++)
                {
                    var sample = x < width && y < height ? scaled.Samples[(((y * width) + x) * 3) + 2 - c] : Padding;
                    tensor.Values[(((c * high) + y) * wide) + x] = (sample / 256f) - 0.5f;
                }
            }
        }

        return tensor;
    }

    public override ImageBuffer Read(IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var (peaks, people) = Find(outputs, seen, image);
        return PoseDrawing.Draw(
            [.. people.Select(person => new PosePerson
            {
                Body = [.. person.Parts.Select(peak => peak < 0
                    ? (PosePoint?)null
                    : new PosePoint(
                        peaks[peak].X / (double)image.Width,
                        peaks[peak].Y / (double)image.Height,
                        Math.Clamp(peaks[peak].Score, float.Epsilon, 1)))],
            })],
            image.Width,
            image.Height,
            drawing);
    }

    /// <summary>Finds keypoints and people.</summary>
    internal (IReadOnlyList<PosePeak> Peaks, IReadOnlyList<PoseCandidate> People) Find(
        IReadOnlyList<OnnxValue> outputs, ReadOnlySpan<int> seen, ImageBuffer image)
    {
        // The number of channels tells the two outputs apart, since exporters order them differently.
        var isField = outputs[0].Port.Shape[1] == 2 * PoseLimbs.All.Count
            || (outputs[0].Port.Shape[1] < 0 && outputs[0].Count > outputs[1].Count);
        var fields = AtSize(Maps(outputs[isField ? 0 : 1], 2 * PoseLimbs.All.Count, seen), image);
        var heat = AtSize(Maps(outputs[isField ? 1 : 0], Parts + 1, seen), image);
        List<PosePeak> peaks = [];
        for (var part = 0; part < Parts; part++)
            PosePeaks.Find(heat[part], part, peaks);
        return (peaks, PosePeople.Assemble(peaks, PoseLimbs.Link(peaks, fields, image.Height)));
    }

    /// <summary>Upsamples by 8, crops the padding, then resizes to the image's size.</summary>
    private FloatMap[] AtSize(FloatMap[] maps, ImageBuffer image)
    {
        var (width, height) = Scaled(image);
        return [.. maps.Select(map =>
        {
            var (wide, high) = (map.Width * Step, map.Height * Step);
            var inside = Window.TopLeft(width, height);
            var large = IsOriginal
                ? KernelResize.Cubic<float>(map.Values, map.Width, map.Height, 1, wide, high, inside)
                : KernelResize.Lanczos4<float>(map.Values, map.Width, map.Height, 1, wide, high, inside);
            return new FloatMap(image.Width, image.Height, IsOriginal
                ? KernelResize.Cubic<float>(large, width, height, 1, image.Width, image.Height)
                : image.Width + image.Height < width + height
                    ? FloatResize.Area(large, width, height, 1, image.Width, image.Height)
                    : KernelResize.Lanczos4<float>(large, width, height, 1, image.Width, image.Height));
        })];
    }

    /// <summary>The scale to half of OpenPose's 368 rows.</summary>
    private static double Scale(ImageBuffer image) => 0.5 * 368 / image.Height;

    private (int Width, int Height) Scaled(ImageBuffer image)
    {
        var (width, height) = (image.Width * Scale(image), image.Height * Scale(image));
        return IsOriginal
            ? (Math.Max(1, (int)Math.Round(width)), Math.Max(1, (int)Math.Round(height)))
            : (Math.Max(1, (int)width), Math.Max(1, (int)height));
    }

    private static int Up(int side) => (side + Step - 1) / Step * Step;
}
