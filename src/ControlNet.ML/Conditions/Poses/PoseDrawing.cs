using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>
/// Draws people as OpenPose's colored skeletons on black, like the annotators: the condition of the openpose networks.
/// Sizes are in pixels and the same for every image: limbs 9 wide, keypoints of radius 4, fingers 2 wide, face keypoints of radius 3.
/// </summary>
public static class PoseDrawing
{
    private const int PointRadius = 4;
    private const int LimbHalfWidth = 4;
    private const int FingerWidth = 2;
    private const int FaceRadius = 3;
    private const double Dimmed = 0.6;

    private static readonly byte[] White = [255, 255, 255];
    private static readonly byte[] Blue = [0, 0, 255];

    /// <summary>Draws people.</summary>
    /// <param name="people">The people; none gives a black image.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="options">Style and parts; null for all parts in <see cref="PoseStyle.V11"/>.</param>
    /// <returns>
    /// An RGB image. Hand and face keypoints in the first row or column, or outside the image, are omitted, as in the annotators.
    /// </returns>
    public static ImageBuffer Draw(IReadOnlyList<PosePerson> people, int width, int height, PoseDrawingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(people);
        options ??= new PoseDrawingOptions();
        var canvas = new ImageBuffer(width, height, 3);
        if (options.Style == PoseStyle.Aux)
        {
            foreach (var person in people)
                DrawTogether(canvas, [person], options);
        }
        else
        {
            DrawTogether(canvas, people, options);
        }

        return canvas;
    }

    private static void DrawTogether(ImageBuffer canvas, IReadOnlyList<PosePerson> people, PoseDrawingOptions options)
    {
        if (options.Body)
            DrawBodies(canvas, people, options.Style);
        if (options.Hands)
        {
            foreach (var person in people)
            {
                DrawHand(canvas, person.LeftHand ?? []);
                DrawHand(canvas, person.RightHand ?? []);
            }
        }

        if (options.Face)
        {
            foreach (var person in people)
                DrawFace(canvas, person.Face ?? []);
        }
    }

    private static void DrawBodies(ImageBuffer canvas, IReadOnlyList<PosePerson> people, PoseStyle style)
    {
        switch (style)
        {
            case PoseStyle.Original:
                DrawPoints(canvas, people);
                BlendLimbs(canvas, people);
                break;
            case PoseStyle.V11:
                foreach (var (limb, i) in LimbsOf(canvas, people))
                    PolygonFill.Draw(canvas, limb, Samples(PoseSkeleton.Colors[i]));
                foreach (ref var sample in canvas.Samples.AsSpan())
                    sample = Dim(sample);
                DrawPoints(canvas, people);
                break;
            case PoseStyle.Aux:
                foreach (var (limb, i) in LimbsOf(canvas, people))
                    PolygonFill.Draw(canvas, limb, [.. Samples(PoseSkeleton.Colors[i]).Select(Dim)]);
                DrawPoints(canvas, people);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(style), style, "Not a style of drawing.");
        }
    }

    /// <summary>
    /// Draws each limb on a copy of the canvas and blends the copy with the canvas. Only the limb's bounding box is blended, since equal
    /// samples do not change.
    /// </summary>
    private static void BlendLimbs(ImageBuffer canvas, IReadOnlyList<PosePerson> people)
    {
        var copy = new ImageBuffer(canvas.Width, canvas.Height, 3, (byte[])canvas.Samples.Clone());
        foreach (var (limb, i) in LimbsOf(canvas, people))
        {
            PolygonFill.Draw(copy, limb, Samples(PoseSkeleton.Colors[i]));
            var (left, right) = (Math.Max(limb.Min(p => p.X), 0), Math.Min(limb.Max(p => p.X), canvas.Width - 1));
            var (top, bottom) = (Math.Max(limb.Min(p => p.Y), 0), Math.Min(limb.Max(p => p.Y), canvas.Height - 1));
            for (var y = top; y <= bottom && left <= right; y++)
            {
                var below = canvas.Row(y)[(left * 3)..((right + 1) * 3)];
                var above = copy.Row(y)[(left * 3)..((right + 1) * 3)];
                Blend.AddWeighted(below, 0.4f, above, 0.6f, 0, below);
                below.CopyTo(above);
            }
        }
    }

    // Limb by limb, each for all people: the order decides what covers what.
    private static IEnumerable<(PixelPoint[] Limb, int Index)> LimbsOf(ImageBuffer canvas, IReadOnlyList<PosePerson> people)
    {
        for (var i = 0; i < PoseSkeleton.Limbs.Count; i++)
        {
            var (from, to) = PoseSkeleton.Limbs[i];
            foreach (var person in people)
            {
                if (person.Body[from] is { } a && person.Body[to] is { } b)
                    yield return (Limb(a.X * canvas.Width, a.Y * canvas.Height, b.X * canvas.Width, b.Y * canvas.Height), i);
            }
        }
    }

    private static PixelPoint[] Limb(double ax, double ay, double bx, double by)
    {
        var middle = new PixelPoint((int)((ax + bx) / 2), (int)((ay + by) / 2));
        var length = Math.Sqrt(((ay - by) * (ay - by)) + ((ax - bx) * (ax - bx)));
        var angle = Math.Atan2(ay - by, ax - bx) * (180 / Math.PI);
        return EllipsePolygon.Points(middle, (int)(length / 2), LimbHalfWidth, (int)angle);
    }

    private static void DrawPoints(ImageBuffer canvas, IReadOnlyList<PosePerson> people)
    {
        for (var i = 0; i < PoseSkeleton.BodyPoints; i++)
        {
            foreach (var person in people)
            {
                if (person.Body[i] is { } point)
                    CircleFill.Draw(canvas, Pixel(canvas, point), PointRadius, Samples(PoseSkeleton.Colors[i]));
            }
        }
    }

    private static void DrawHand(ImageBuffer canvas, IReadOnlyList<PosePoint?> hand)
    {
        PixelPoint?[] points = [.. hand.Select(point => Shown(canvas, point))];
        for (var i = 0; i < points.Length - 1; i++)
        {
            var (from, to) = PoseSkeleton.Fingers[i];
            if (points[from] is { } a && points[to] is { } b)
                LineDrawing.Draw(canvas, a, b, Samples(PoseSkeleton.FingerColors[i]), FingerWidth);
        }

        foreach (var point in points)
        {
            if (point is { } at)
                CircleFill.Draw(canvas, at, PointRadius, Blue);
        }
    }

    private static void DrawFace(ImageBuffer canvas, IReadOnlyList<PosePoint?> face)
    {
        foreach (var point in face)
        {
            if (Shown(canvas, point) is { } at)
                CircleFill.Draw(canvas, at, FaceRadius, White);
        }
    }

    /// <summary>
    /// The pixel of a hand or face keypoint. The annotators mark missing ones by coordinates of 0 and below, and omit those.
    /// </summary>
    private static PixelPoint? Shown(ImageBuffer canvas, PosePoint? point) =>
        point is { } p && Pixel(canvas, p) is { X: > 0, Y: > 0 } pixel ? pixel : null;

    // Truncated towards zero; coordinates beyond int are saturated.
    private static PixelPoint Pixel(ImageBuffer canvas, PosePoint point) =>
        new((int)(point.X * canvas.Width), (int)(point.Y * canvas.Height));

    private static byte Dim(byte sample) => (byte)(sample * Dimmed);

    private static byte[] Samples(Rgb color) => [color.R, color.G, color.B];
}
