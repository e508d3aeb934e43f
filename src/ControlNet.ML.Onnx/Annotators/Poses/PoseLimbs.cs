using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>A candidate limb between two peaks.</summary>
/// <param name="From">Index of the first peak among all peaks.</param>
/// <param name="To">Index of the second peak.</param>
/// <param name="Score">How well the field between them fits.</param>
internal readonly record struct PoseLink(int From, int To, double Score);

/// <summary>Links peaks to limbs by the part affinity fields.</summary>
internal static class PoseLimbs
{
    private const int Samples = 10;
    private const double Threshold = 0.05;

    /// <summary>
    /// The keypoints that each limb joins, and the two channels of its field. The last two limbs confirm people but start none.
    /// </summary>
    public static IReadOnlyList<(int From, int To, int X, int Y)> All { get; } =
    [
        (1, 2, 12, 13), (1, 5, 20, 21), (2, 3, 14, 15), (3, 4, 16, 17), (5, 6, 22, 23), (6, 7, 24, 25), (1, 8, 0, 1), (8, 9, 2, 3),
        (9, 10, 4, 5), (1, 11, 6, 7), (11, 12, 8, 9), (12, 13, 10, 11), (1, 0, 28, 29), (0, 14, 30, 31), (14, 16, 34, 35),
        (0, 15, 32, 33), (15, 17, 36, 37), (2, 16, 18, 19), (5, 17, 26, 27),
    ];

    /// <summary>The links of each limb, best first; a peak is in at most one of them.</summary>
    public static IReadOnlyList<IReadOnlyList<PoseLink>> Link(IReadOnlyList<PosePeak> peaks, FloatMap[] fields, int height)
    {
        var byPart = peaks.Select((peak, index) => (peak.Part, index)).ToLookup(p => p.Part, p => p.index);
        return [.. All.Select(limb => Choose(
            [.. from a in byPart[limb.From]
                from b in byPart[limb.To]
                let score = Score(peaks[a], peaks[b], fields[limb.X], fields[limb.Y], height)
                where score > 0
                select new PoseLink(a, b, score)]))];
    }

    /// <summary>The best candidates of which no two share a peak, best first.</summary>
    public static IReadOnlyList<PoseLink> Choose(IReadOnlyList<PoseLink> candidates)
    {
        HashSet<int> taken = [];
        List<PoseLink> links = [];
        foreach (var link in candidates.OrderByDescending(link => link.Score))
        {
            if (taken.Contains(link.From) || taken.Contains(link.To))
                continue;
            taken.Add(link.From);
            taken.Add(link.To);
            links.Add(link);
        }

        return links;
    }

    /// <summary>
    /// The mean of the field along the line, reduced for lines longer than half the image; 0 if fewer than nine of ten samples agree.
    /// </summary>
    private static double Score(PosePeak from, PosePeak to, FloatMap fieldX, FloatMap fieldY, int height)
    {
        double dx = to.X - from.X, dy = to.Y - from.Y;
        var length = Math.Max(0.001, Math.Sqrt((dx * dx) + (dy * dy)));
        double sum = 0;
        var agreeing = 0;
        for (var i = 0; i < Samples; i++)
        {
            var x = (int)Math.Round(from.X + (i * (dx / (Samples - 1))));
            var y = (int)Math.Round(from.Y + (i * (dy / (Samples - 1))));
            var along = (fieldX[x, y] * dx / length) + (fieldY[x, y] * dy / length);
            sum += along;
            agreeing += along > Threshold ? 1 : 0;
        }

        return agreeing > 0.8 * Samples ? (sum / Samples) + Math.Min((0.5 * height / length) - 1, 0) : 0;
    }
}
