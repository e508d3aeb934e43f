namespace ControlNet.ML.Conditions;

/// <summary>Converts COCO's 17 body keypoints, which most detectors and data sets use, to OpenPose's 18.</summary>
public static class CocoKeypoints
{
    /// <summary>COCO's number of keypoints.</summary>
    public const int Count = 17;

    private const int LeftShoulder = 5;
    private const int RightShoulder = 6;

    // COCO's index of each of OpenPose's keypoints; the neck has none.
    private static readonly int[] Order = [0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3];

    /// <summary>Converts a body to OpenPose's order. The neck is the mean of the shoulders if both are present.</summary>
    /// <param name="points">
    /// 17 points in COCO's order: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles, always left before right.
    /// </param>
    /// <param name="threshold">Keypoints whose score is not above this are missing; by default 0.3, as in DWPose.</param>
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
            Seen(LeftShoulder) is { } left && Seen(RightShoulder) is { } right
                ? new PosePoint((left.X + right.X) / 2, (left.Y + right.Y) / 2)
                : null;
    }
}
