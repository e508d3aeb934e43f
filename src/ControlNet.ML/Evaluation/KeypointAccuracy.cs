namespace ControlNet.ML.Evaluation;

/// <summary>
/// PCK: the share of the expected keypoints that were found within a tolerance (Yang and Ramanan, Articulated Human Detection with Flexible
/// Mixtures of Parts, 2013).
/// </summary>
/// <param name="Found">Expected keypoints that were found.</param>
/// <param name="Expected">Expected keypoints.</param>
public readonly record struct KeypointAccuracy(int Found, int Expected)
{
    /// <summary>The share, 0 to 1; NaN if no keypoint is expected.</summary>
    public double Share => (double)Found / Expected;

    /// <summary>The sum over people or images.</summary>
    /// <param name="a">Some counts.</param>
    /// <param name="b">The other counts.</param>
    /// <returns>The counts of both.</returns>
    public static KeypointAccuracy operator +(KeypointAccuracy a, KeypointAccuracy b) => a.Add(b);

    /// <summary>The sum over people or images.</summary>
    /// <param name="other">The other counts.</param>
    /// <returns>The counts of both.</returns>
    public KeypointAccuracy Add(KeypointAccuracy other) => new(Found + other.Found, Expected + other.Expected);

    /// <summary>Compares the keypoints of a person.</summary>
    /// <param name="expected">The expected keypoints in pixels; null where there is none, which does not count.</param>
    /// <param name="found">The found keypoints in the same order; null where there is none.</param>
    /// <param name="share">The tolerance as a share of the larger side of the expected keypoints' bounding box.</param>
    /// <returns>The counts.</returns>
    /// <exception cref="ArgumentException">The lists differ in length.</exception>
    public static KeypointAccuracy Compute(
        IReadOnlyList<(double X, double Y)?> expected, IReadOnlyList<(double X, double Y)?> found, double share = 0.1)
    {
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentNullException.ThrowIfNull(found);
        ArgumentOutOfRangeException.ThrowIfNegative(share);
        if (expected.Count != found.Count)
            throw new ArgumentException($"There are {expected.Count} and {found.Count} keypoints, expected as many.", nameof(found));
        var known = expected.OfType<(double X, double Y)>().ToList();
        if (known.Count == 0)
            return default;
        var reach = share * Math.Max(
            known.Max(point => point.X) - known.Min(point => point.X), known.Max(point => point.Y) - known.Min(point => point.Y));
        return new KeypointAccuracy(expected.Zip(found).Count(pair => IsNear(pair.First, pair.Second)), known.Count);

        bool IsNear((double X, double Y)? a, (double X, double Y)? b) =>
            a is { } first && b is { } second && Math.Sqrt(Square(first.X - second.X) + Square(first.Y - second.Y)) <= reach;

        static double Square(double value) => value * value;
    }
}
