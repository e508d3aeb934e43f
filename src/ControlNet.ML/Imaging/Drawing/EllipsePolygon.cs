namespace ControlNet.ML.Imaging;

/// <summary>Ellipses as polygons, as in cv2.ellipse2Poly.</summary>
internal static class EllipsePolygon
{
    // OpenCV's table of sines has seven decimals.
    private static readonly float[] Sines = [
        .. Enumerable.Range(0, 451).Select(degrees => (float)Math.Round(Math.Sin(degrees * Math.PI / 180), 7))];

    /// <summary>The outline of a whole ellipse in steps of a degree.</summary>
    /// <param name="centre">The centre.</param>
    /// <param name="halfWidth">The first half axis in pixels, at least 0.</param>
    /// <param name="halfHeight">The second half axis in pixels, at least 0.</param>
    /// <param name="angle">The rotation, clockwise in the image, in degrees.</param>
    /// <returns>
    /// Consecutive whole pixels without duplicates (the first is repeated at the end); twice the centre if all are one pixel.
    /// </returns>
    public static PixelPoint[] Points(PixelPoint centre, int halfWidth, int halfHeight, int angle)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(halfWidth);
        ArgumentOutOfRangeException.ThrowIfNegative(halfHeight);
        angle = ((angle % 360) + 360) % 360;
        double cosine = Sines[450 - angle], sine = Sines[angle];
        var points = new List<PixelPoint>();
        for (var degrees = 0; degrees <= 360; degrees++)
        {
            double x = (double)halfWidth * Sines[450 - degrees], y = (double)halfHeight * Sines[degrees];
            var point = new PixelPoint(
                (int)Math.Round(centre.X + (x * cosine) - (y * sine)), (int)Math.Round(centre.Y + (x * sine) + (y * cosine)));
            if (points.Count == 0 || points[^1] != point)
                points.Add(point);
        }

        return points.Count > 1 ? [.. points] : [centre, centre];
    }
}
