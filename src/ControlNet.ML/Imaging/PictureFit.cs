namespace ControlNet.ML.Imaging;

/// <summary>Brings a picture (or a mask) to the size of a <see cref="Geometry"/>, with Pillow's resizing as diffusers does.</summary>
public static class PictureFit
{
    /// <summary>
    /// Scales the picture, lays it on black, and with <see cref="FitMode.Fill"/> stretches its border over what is left.
    /// The fill is twice the same number of pixels: of an odd rest the last row or column stays black, as in diffusers.
    /// </summary>
    /// <param name="image">A picture of the geometry's source size, 1, 3 or 4 channels.</param>
    /// <param name="geometry">Where it goes.</param>
    /// <param name="filter">How it is scaled.</param>
    /// <param name="order">Which pass of the scaling comes first.</param>
    /// <returns>A new picture of the geometry's size.</returns>
    public static ImageBuffer Apply(
        ImageBuffer image, Geometry geometry, PillowFilter filter = PillowFilter.Lanczos, PillowPassOrder order = PillowPassOrder.ByShape)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(geometry);
        geometry.ExpectSource(image, nameof(image));
        var scaled = PillowResize.Apply(image, geometry.ScaledWidth, geometry.ScaledHeight, filter, order: order);
        var result = new ImageBuffer(geometry.Width, geometry.Height, image.Channels);
        geometry.Place(scaled, result);
        if (geometry.Mode == FitMode.Fill && (geometry.OffsetX > 0 || geometry.OffsetY > 0))
            StretchBorder(scaled, geometry, result);
        return result;
    }

    // An empty part of the picture at its edge, resized: Pillow then mixes the two lines that lie there.
    private static void StretchBorder(ImageBuffer scaled, Geometry geometry, ImageBuffer result)
    {
        var (width, height) = (scaled.Width, scaled.Height);
        if (geometry.OffsetY > 0)
        {
            var (rows, below) = (geometry.OffsetY, geometry.OffsetY + height);
            Lay(PillowResize.Apply(scaled, width, rows, PillowFilter.Bicubic, new PillowBox(0, 0, width, 0)), result, 0, 0);
            Lay(PillowResize.Apply(scaled, width, rows, PillowFilter.Bicubic, new PillowBox(0, height, width, height)), result, 0, below);
        }
        else
        {
            var (columns, beside) = (geometry.OffsetX, geometry.OffsetX + width);
            Lay(PillowResize.Apply(scaled, columns, height, PillowFilter.Bicubic, new PillowBox(0, 0, 0, height)), result, 0, 0);
            Lay(PillowResize.Apply(scaled, columns, height, PillowFilter.Bicubic, new PillowBox(width, 0, width, height)), result, beside, 0);
        }
    }

    private static void Lay(ImageBuffer piece, ImageBuffer target, int x, int y)
    {
        var channels = target.Channels;
        var columns = Math.Min(piece.Width, target.Width - x) * channels;
        for (var row = 0; row < Math.Min(piece.Height, target.Height - y); row++)
            piece.Row(row)[..columns].CopyTo(target.Row(y + row)[(x * channels)..]);
    }
}
