namespace ControlNet.ML.Conditions;

/// <summary>Bodies of COCO's 17 keypoints, as most detectors and data sets have them, and OpenPose's 18.</summary>
public static class CocoKeypoints
{
    /// <summary>COCO's number of points.</summary>
    public const int Count = 17;

    private const int LeftShoulder = 5;
    private const int RightShoulder = 6;

    // For each of OpenPose's points COCO's; the neck has none.
    private static readonly int[] Order = [0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3];

    /// <summary>Brings a body into OpenPose's order. Its neck is the mean of the shoulders, and there if both are.</summary>
    /// <param name="points">17 points in COCO's order: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles, always left before right.</param>
    /// <param name="threshold">Points whose score is not above this are missing; 0.3 where it is not given, as DWPose has it.</param>
    /// <returns>18 points, for <see cref="PosePerson.Body"/>.</returns>
    /// <exception cref="ArgumentException">There are not 17 points.</exception>
    public static IReadOnlyList<PosePoint?> ToBody(IReadOnlyList<PosePoint?> points, double threshold = 0.3)
    {
        ArgumentNullException.ThrowIfNull(points);
        if (points.Count != Count)
            throw new ArgumentException($"{points.Count} points, expected COCO's {Count}.", nameof(points));
        return [.. Order.Select(i => i < 0 ? Neck() : Seen(i))];

        PosePoint? Seen(int i) => points[i] is { } point && point.Score > threshold ? point : null;

        PosePoint? Neck() =>
            Seen(LeftShoulder) is { } left && Seen(RightShoulder) is { } right ? new PosePoint((left.X + right.X) / 2, (left.Y + right.Y) / 2) : null;
    }
}
