namespace ControlNet.ML.Imaging;

/// <summary>Filled circles as in cv2.circle with a negative thickness.</summary>
public static class CircleFill
{
    /// <summary>The largest radius.</summary>
    public const int MaxRadius = 1_000_000;

    /// <summary>Fills a disc in place.</summary>
    /// <param name="image">The image.</param>
    /// <param name="centre">The centre, which may be outside the image.</param>
    /// <param name="radius">0 (one pixel) to <see cref="MaxRadius"/>; the disc is 2 radius + 1 pixels wide.</param>
    /// <param name="color">One sample per channel.</param>
    /// <exception cref="ArgumentOutOfRangeException">The radius is negative or too large.</exception>
    public static void Draw(ImageBuffer image, PixelPoint centre, int radius, ReadOnlySpan<byte> color)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(radius);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(radius, MaxRadius);
        Fill(new Pen(image, color), centre, radius);
    }

    internal static void Fill(Pen pen, PixelPoint centre, int radius)
    {
        long x = centre.X, y = centre.Y, error = 0, dx = radius, dy = 0, plus = 1, minus = (2 * radius) - 1;
        while (dx >= dy)
        {
            pen.Span(x - dx, x + dx, y - dy);
            pen.Span(x - dx, x + dx, y + dy);
            pen.Span(x - dy, x + dy, y - dx);
            pen.Span(x - dy, x + dy, y + dx);
            (dy, error, plus) = (dy + 1, error + plus, plus + 2);
            if (error > 0)
                (dx, error, minus) = (dx - 1, error - minus, minus - 2);
        }
    }
}
