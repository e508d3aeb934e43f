namespace ControlNet.ML.Imaging;

/// <summary>Fits an image (or a mask) to a <see cref="Geometry"/> with Pillow's resizing, as in diffusers.</summary>
public static class ImageFit
{
    /// <summary>
    /// Scales the image, places it on black, and with <see cref="FitMode.Fill"/> stretches its border over the rest.
    /// Both sides get the same number of filled pixels: if the rest is odd, the last row or column stays black, as in diffusers.
    /// </summary>
    /// <param name="image">An image of the geometry's source size, 1, 3 or 4 channels.</param>
    /// <param name="geometry">The geometry.</param>
    /// <param name="filter">The filter for scaling.</param>
    /// <param name="order">The order of the passes of scaling.</param>
    /// <returns>A new image of the geometry's size, with <see cref="ImageBuffer.Deep"/> values if it had them.</returns>
    public static ImageBuffer Apply(
        ImageBuffer image, Geometry geometry, PillowFilter filter = PillowFilter.Lanczos, PillowPassOrder order = PillowPassOrder.ByShape)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(geometry);
        geometry.ExpectSource(image, nameof(image));
        var scaled = PillowResize.Apply(image, geometry.ScaledWidth, geometry.ScaledHeight, filter, order: order);
        var result = new ImageBuffer(geometry.Width, geometry.Height, image.Channels);
        geometry.Place(scaled, result);
        foreach (var (width, height, box, x, y) in Borders(geometry))
            Lay(PillowResize.Apply(scaled, width, height, PillowFilter.Bicubic, box), result, x, y);
        return result.With(image.Deep is { } deep ? Apply(deep, geometry, filter) : null);
    }

    private static FloatMap Apply(FloatMap deep, Geometry geometry, PillowFilter filter)
    {
        var scaled = PillowFloatResize.Apply(deep, geometry.ScaledWidth, geometry.ScaledHeight, filter);
        if ((geometry.Width, geometry.Height) == (scaled.Width, scaled.Height))
            return scaled;
        var result = new FloatMap(geometry.Width, geometry.Height);
        Lay(scaled, result, geometry.OffsetX, geometry.OffsetY);
        foreach (var (width, height, box, x, y) in Borders(geometry))
            Lay(PillowFloatResize.Apply(scaled, width, height, PillowFilter.Bicubic, box), result, x, y);
        return result;
    }

    /// <summary>
    /// The fill next to the scaled image: an empty box at its edge, resized, for which Pillow blends the two lines at the edge.
    /// </summary>
    private static IEnumerable<(int Width, int Height, PillowBox Box, int X, int Y)> Borders(Geometry geometry)
    {
        if (geometry.Mode != FitMode.Fill)
            yield break;
        var (width, height) = (geometry.ScaledWidth, geometry.ScaledHeight);
        if (geometry.OffsetY > 0)
        {
            yield return (width, geometry.OffsetY, new PillowBox(0, 0, width, 0), 0, 0);
            yield return (width, geometry.OffsetY, new PillowBox(0, height, width, height), 0, geometry.OffsetY + height);
        }
        else if (geometry.OffsetX > 0)
        {
            yield return (geometry.OffsetX, height, new PillowBox(0, 0, 0, height), 0, 0);
            yield return (geometry.OffsetX, height, new PillowBox(width, 0, width, height), geometry.OffsetX + width, 0);
        }
    }

    private static void Lay(ImageBuffer piece, ImageBuffer target, int x, int y)
    {
        var channels = target.Channels;
        var columns = Math.Min(piece.Width, target.Width - x) * channels;
        for (var row = 0; row < Math.Min(piece.Height, target.Height - y); row++)
            piece.Row(row)[..columns].CopyTo(target.Row(y + row)[(x * channels)..]);
    }

    private static void Lay(FloatMap piece, FloatMap target, int x, int y)
    {
        var (left, right) = (Math.Max(0, x), Math.Min(target.Width, x + piece.Width));
        for (var row = Math.Max(0, y); row < Math.Min(target.Height, y + piece.Height); row++)
            Array.Copy(
                piece.Values, ((row - y) * piece.Width) + left - x, target.Values, (row * target.Width) + left, Math.Max(0, right - left));
    }
}
