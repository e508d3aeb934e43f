using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>Finds the maxima of a heat map as lightweight OpenPose does: without smoothing, and none near another.</summary>
internal static class LightPosePeaks
{
    private const float Threshold = 0.1f;
    private const int Distance = 6;

    /// <summary>
    /// Adds the peaks of a keypoint, column by column: where the heat map is at least the threshold and above its four neighbours. A peak
    /// less than six pixels away from an earlier one is left out.
    /// </summary>
    public static void Find(FloatMap heat, int part, List<PosePeak> peaks)
    {
        var first = peaks.Count;
        for (var x = 0; x < heat.Width; x++)
        {
            for (var y = 0; y < heat.Height; y++)
            {
                var value = At(x, y);
                if (value > At(x - 1, y) && value > At(x + 1, y) && value > At(x, y - 1) && value > At(x, y + 1)
                    && peaks.Skip(first).All(peak => Math.Pow(peak.X - x, 2) + Math.Pow(peak.Y - y, 2) >= Distance * Distance))
                    peaks.Add(new PosePeak(part, x, y, value));
            }
        }

        float At(int x, int y) =>
            (uint)x < (uint)heat.Width && (uint)y < (uint)heat.Height && heat[x, y] >= Threshold ? heat[x, y] : 0;
    }
}
