namespace ControlNet.ML.Imaging;

/// <summary>
/// Filled convex polygons as in cv2.fillConvexPoly: the outline as lines of one pixel, the inside in 16.16 fixed point.
/// A polygon that is not convex is filled between two of its edges in each row, as there.
/// </summary>
public static class PolygonFill
{
    /// <summary>Fills a polygon in place, with its outline.</summary>
    /// <param name="image">The image.</param>
    /// <param name="points">
    /// The corners in order, clockwise or not; they may be outside the image. No corners draw nothing, one draws a pixel, two a line.
    /// </param>
    /// <param name="color">One sample per channel.</param>
    public static void Draw(ImageBuffer image, ReadOnlySpan<PixelPoint> points, ReadOnlySpan<byte> color)
    {
        var corners = new (long X, long Y)[points.Length];
        for (var i = 0; i < points.Length; i++)
            corners[i] = (points[i].X, points[i].Y);
        Fill(new Pen(image, color), corners, shift: 0);
    }

    /// <summary>Fills corners in fixed point with the given number of fractional bits: 0 or <see cref="FixedPoint.Shift"/>.</summary>
    internal static void Fill(Pen pen, ReadOnlySpan<(long X, long Y)> corners, int shift)
    {
        Outline(pen, corners, shift);
        if (corners.Length < 3)
            return;
        long delta = 1L << shift >> 1, top = corners[0].Y, bottom = top;
        var first = 0;
        for (var i = 1; i < corners.Length; i++)
        {
            (top, first) = corners[i].Y < top ? (corners[i].Y, i) : (top, first);
            bottom = Math.Max(bottom, corners[i].Y);
        }

        // Two edges go down from the highest corner, one in each direction; both take from the remaining edges of the polygon.
        var y = (top + delta) >> shift;
        bottom = Math.Min((bottom + delta) >> shift, pen.Height - 1);
        var edges = corners.Length;
        Edge forth = new(first, 1, y), back = new(first, corners.Length - 1, y);
        while (y <= bottom && Follow(ref forth, corners, y, shift, ref edges) && Follow(ref back, corners, y, shift, ref edges))
        {
            pen.Span(
                (Math.Min(forth.X, back.X) + FixedPoint.Half) >> FixedPoint.Shift,
                (Math.Max(forth.X, back.X) + FixedPoint.Half) >> FixedPoint.Shift,
                y);

            // Rows above the image are passed over, up to the next corner.
            var rows = y < 0 ? Math.Min(0, Math.Min(forth.End, back.End)) - y : 1;
            (forth.X, back.X, y) = (forth.X + (rows * forth.Slope), back.X + (rows * back.Slope), y + rows);
        }
    }

    private static void Outline(Pen pen, ReadOnlySpan<(long X, long Y)> corners, int shift)
    {
        for (var i = 0; i < corners.Length; i++)
        {
            var before = corners[i == 0 ? corners.Length - 1 : i - 1];
            if (shift == 0)
                LineDrawing.Thin(pen, before, corners[i]);
            else
                FixedPoint.Line(pen, before, corners[i]);
        }
    }

    /// <summary>If the current edge has ended, moves to the next one that leads below row y; false if there is none.</summary>
    private static bool Follow(ref Edge edge, ReadOnlySpan<(long X, long Y)> corners, long y, int shift, ref int edges)
    {
        if (y < edge.End)
            return true;
        for (var (from, to) = (edge.Corner, (edge.Corner + edge.Turn) % corners.Length); edges-- > 0;
            (from, to) = (to, (to + edge.Turn) % corners.Length))
        {
            var end = (corners[to].Y + (1L << shift >> 1)) >> shift;
            if (end <= y)
                continue;
            long x = corners[from].X << (FixedPoint.Shift - shift), run = (corners[to].X << (FixedPoint.Shift - shift)) - x, rows = end - y;
            edge = edge with { Corner = to, End = end, X = x, Slope = ((run * 2) + rows) / (2 * rows) };
            return true;
        }

        return false;
    }

    private record struct Edge(int Corner, int Turn, long End)
    {
        public long X { get; set; }

        public long Slope { get; set; }
    }
}
