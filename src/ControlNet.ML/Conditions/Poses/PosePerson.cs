namespace ControlNet.ML.Conditions;

/// <summary>One person's keypoints. A keypoint that is null is missing: not detected, or hidden.</summary>
public sealed record PosePerson
{
    /// <summary>The body in the order of <see cref="PoseSkeleton.Names"/>.</summary>
    /// <value>18 points; all missing.</value>
    /// <exception cref="ArgumentException">There are not 18.</exception>
    public IReadOnlyList<PosePoint?> Body
    {
        get;
        init => field = Check(value, PoseSkeleton.BodyPoints) ?? throw new ArgumentNullException(nameof(value));
    } = new PosePoint?[PoseSkeleton.BodyPoints];

    /// <summary>The left hand: wrist, then thumb to little finger, each from its root to its tip.</summary>
    /// <value>21 points or null; null.</value>
    /// <exception cref="ArgumentException">There are not 21.</exception>
    public IReadOnlyList<PosePoint?>? LeftHand { get; init => field = Check(value, PoseSkeleton.HandPoints); }

    /// <summary>The right hand, in the same order.</summary>
    /// <value>21 points or null; null.</value>
    /// <exception cref="ArgumentException">There are not 21.</exception>
    public IReadOnlyList<PosePoint?>? RightHand { get; init => field = Check(value, PoseSkeleton.HandPoints); }

    /// <summary>The face: 68 points of its features, then, where there are 70, the pupils.</summary>
    /// <value>68 or 70 points, or null; null.</value>
    /// <exception cref="ArgumentException">There are neither 68 nor 70.</exception>
    public IReadOnlyList<PosePoint?>? Face { get; init => field = Check(value, PoseSkeleton.FacePoints, PoseSkeleton.FaceAndPupilPoints); }

    private static IReadOnlyList<PosePoint?>? Check(IReadOnlyList<PosePoint?>? points, params ReadOnlySpan<int> counts) =>
        points is null || counts.Contains(points.Count)
            ? points
            : throw new ArgumentException($"{points.Count} points, expected {string.Join(" or ", counts.ToArray())}.", nameof(points));
}
