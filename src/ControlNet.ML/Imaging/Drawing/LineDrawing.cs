namespace ControlNet.ML.Imaging;

/// <summary>
/// Straight lines as in cv2.line, 8-connected and without antialiasing. A line of one pixel is clipped to the image and then drawn from
/// left to right; a thicker one is a convex polygon with a disc at each end.
/// </summary>
public static class LineDrawing
{
    /// <summary>The maximum thickness.</summary>
    public const int MaxThickness = 32767;

    /// <summary>Draws a line in place.</summary>
    /// <param name="image">The image.</param>
    /// <param name="from">One end, inclusive; it may be outside the image.</param>
    /// <param name="to">The other end, inclusive; it may be outside the image.</param>
    /// <param name="color">One sample per channel.</param>
    /// <param name="thickness">1 to <see cref="MaxThickness"/> pixels.</param>
    /// <exception cref="ArgumentOutOfRangeException">The thickness is less than 1 or too large.</exception>
    public static void Draw(ImageBuffer image, PixelPoint from, PixelPoint to, ReadOnlySpan<byte> color, int thickness = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(thickness, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(thickness, MaxThickness);
        var pen = new Pen(image, color);
        if (thickness == 1)
            Thin(pen, (from.X, from.Y), (to.X, to.Y));
        else
            Thick(pen, from, to, thickness);
    }

    /// <summary>A line of one pixel between whole pixels.</summary>
    internal static void Thin(Pen pen, (long X, long Y) a, (long X, long Y) b)
    {
        if (!LineClip.Clip(pen.Width, pen.Height, ref a, ref b))
            return;
        if (b.X < a.X)
            (a, b) = (b, a);
        var (across, down, step) = (b.X - a.X, Math.Abs(b.Y - a.Y), b.Y < a.Y ? -1 : 1);
        var steep = down > across;
        var (longer, shorter) = steep ? (down, across) : (across, down);
        var error = longer - (2 * shorter);
        for (var (x, y, left) = (a.X, a.Y, longer); left >= 0; left--)
        {
            pen.Set(x, y);
            var both = error < 0;
            error += (both ? 2 * longer : 0) - (2 * shorter);
            x += both || !steep ? 1 : 0;
            y += both || steep ? step : 0;
        }
    }

    private static void Thick(Pen pen, PixelPoint from, PixelPoint to, int thickness)
    {
        var (a, b) = (FixedPoint.Of(from), FixedPoint.Of(to));
        double across = (long)from.X - to.X, down = (long)to.Y - from.Y;
        var square = (across * across) + (down * down);
        if (square > 0)
        {
            // Half the thickness, rounded up if odd, perpendicular to the line.
            var scale = (((long)thickness << (FixedPoint.Shift - 1)) + ((thickness & 1) * FixedPoint.Half)) / Math.Sqrt(square);
            long x = (long)Math.Round(down * scale), y = (long)Math.Round(across * scale);
            PolygonFill.Fill(pen, [(a.X + x, a.Y + y), (a.X - x, a.Y - y), (b.X - x, b.Y - y), (b.X + x, b.Y + y)], FixedPoint.Shift);
        }

        CircleFill.Fill(pen, from, (thickness + 1) / 2);
        CircleFill.Fill(pen, to, (thickness + 1) / 2);
    }
}
