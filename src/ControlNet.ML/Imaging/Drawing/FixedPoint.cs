namespace ControlNet.ML.Imaging;

/// <summary>Coordinates in 16.16 fixed point, and lines between them.</summary>
internal static class FixedPoint
{
    /// <summary>The number of fractional bits.</summary>
    public const int Shift = 16;

    /// <summary>Half a pixel.</summary>
    public const long Half = 1L << (Shift - 1);

    private const long One = 1L << Shift;

    /// <summary>A whole pixel.</summary>
    public static (long X, long Y) Of(PixelPoint point) => ((long)point.X << Shift, (long)point.Y << Shift);

    /// <summary>
    /// A line of one pixel: one pixel per column, or per row if it is steep. The last end is drawn separately, since rounding may miss it.
    /// </summary>
    public static void Line(Pen pen, (long X, long Y) a, (long X, long Y) b)
    {
        if (!LineClip.Clip(pen.Width << Shift, pen.Height << Shift, ref a, ref b))
            return;
        var (across, down) = (Math.Abs(b.X - a.X), Math.Abs(b.Y - a.Y));
        var steep = down >= across;
        if (steep ? b.Y < a.Y : b.X < a.X)
            (a, b) = (b, a);
        pen.Set((b.X + Half) >> Shift, (b.Y + Half) >> Shift);
        var (x, y) = (a.X + Half, a.Y + Half);
        if (steep)
        {
            var step = (b.X - a.X) * One / (down | 1);
            for (var (row, left) = (y >> Shift, down >> Shift); left >= 0; left--, row++, x += step)
                pen.Set(x >> Shift, row);
        }
        else
        {
            var step = (b.Y - a.Y) * One / (across | 1);
            for (var (column, left) = (x >> Shift, across >> Shift); left >= 0; left--, column++, y += step)
                pen.Set(column, y >> Shift);
        }
    }
}
