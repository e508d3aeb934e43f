namespace ControlNet.ML.Conditions;

/// <summary>Converts keypoints between pixels, which files use, and fractions.</summary>
internal static class PosePixels
{
    /// <summary>A list of points in fractions of an image.</summary>
    public static PosePoint?[] ToFractions(this IReadOnlyList<PosePoint?> pixels, int width, int height) =>
        [.. pixels.Select(point => point is { } p ? p with { X = Fraction(p.X, width), Y = Fraction(p.Y, height) } : (PosePoint?)null)];

    /// <summary>A list of points in pixels of an image.</summary>
    public static PosePoint?[] ToPixels(this IReadOnlyList<PosePoint?> fractions, int width, int height) =>
        [.. fractions.Select(point => point is { } p ? p with { X = p.X * width, Y = p.Y * height } : (PosePoint?)null)];

    // Drawing truncates fraction times side: a fraction that rounding made slightly too small would move the keypoint by a whole pixel.
    private static double Fraction(double pixel, int side)
    {
        var fraction = Math.Abs(pixel) / side;
        return Math.CopySign(fraction * side < Math.Abs(pixel) ? Math.BitIncrement(fraction) : fraction, pixel);
    }
}
