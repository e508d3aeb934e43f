using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>OpenPose's keypoints in COCO order, their limbs, and the colors that the networks were trained with.</summary>
public static class PoseSkeleton
{
    internal const int BodyPoints = 18;
    internal const int HandPoints = 21;
    internal const int FacePoints = 68;
    internal const int FaceAndPupilPoints = 70;

    /// <summary>The names of the body's 18 points; left and right are the person's own.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist", "right_hip",
        "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye", "right_ear", "left_ear",
    ];

    /// <summary>The body's 17 limbs in the order in which they are drawn; limb i has color i.</summary>
    public static IReadOnlyList<(int From, int To)> Limbs { get; } =
    [
        (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10),
        (1, 11), (11, 12), (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
    ];

    /// <summary>The colors of the 18 keypoints and, except for the last, of the limbs.</summary>
    public static IReadOnlyList<Rgb> Colors { get; } =
    [
        new(255, 0, 0), new(255, 85, 0), new(255, 170, 0), new(255, 255, 0), new(170, 255, 0), new(85, 255, 0),
        new(0, 255, 0), new(0, 255, 85), new(0, 255, 170), new(0, 255, 255), new(0, 170, 255), new(0, 85, 255),
        new(0, 0, 255), new(85, 0, 255), new(170, 0, 255), new(255, 0, 255), new(255, 0, 170), new(255, 0, 85),
    ];

    /// <summary>A hand's 20 bones, finger by finger from the wrist; bone i has finger color i.</summary>
    public static IReadOnlyList<(int From, int To)> Fingers { get; } =
        [.. Enumerable.Range(0, HandPoints - 1).Select(i => (i % 4 == 0 ? 0 : i, i + 1))];

    /// <summary>The colors of a hand's bones: the hues i / 20, rounded half to even as OpenCV does.</summary>
    public static IReadOnlyList<Rgb> FingerColors { get; } = [
        .. Enumerable.Range(0, HandPoints - 1).Select(i => Hue(i / (double)(HandPoints - 1)))];

    private static Rgb Hue(double hue)
    {
        var sextant = (int)(hue * 6);
        var part = (hue * 6) - sextant;
        byte rising = (byte)Math.Round(part * 255), falling = (byte)Math.Round((1 - part) * 255);
        return sextant switch
        {
            0 => new Rgb(255, rising, 0),
            1 => new Rgb(falling, 255, 0),
            2 => new Rgb(0, 255, rising),
            3 => new Rgb(0, falling, 255),
            4 => new Rgb(rising, 0, 255),
            _ => new Rgb(255, 0, falling),
        };
    }
}
