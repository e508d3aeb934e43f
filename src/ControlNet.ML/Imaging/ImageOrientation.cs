namespace ControlNet.ML.Imaging;

/// <summary>Turns a picture upright as its Exif orientation asks, 1 to 8.</summary>
internal static class ImageOrientation
{
    public static ImageBuffer Upright(ImageBuffer image, int orientation)
    {
        if (orientation is < 2 or > 8)
            return image;
        var swaps = orientation >= 5;
        var (width, height, channels) = (image.Width, image.Height, image.Channels);
        var result = new ImageBuffer(swaps ? height : width, swaps ? width : height, channels);
        for (var y = 0; y < result.Height; y++)
        {
            var target = result.Row(y);
            for (var x = 0; x < result.Width; x++)
            {
                // Where the upright picture's pixel lies in the stored one.
                var (column, row) = orientation switch
                {
                    2 => (width - 1 - x, y),
                    3 => (width - 1 - x, height - 1 - y),
                    4 => (x, height - 1 - y),
                    5 => (y, x),
                    6 => (y, height - 1 - x),
                    7 => (width - 1 - y, height - 1 - x),
                    _ => (width - 1 - y, x),
                };
                image.Row(row).Slice(column * channels, channels).CopyTo(target[(x * channels)..]);
            }
        }

        return result;
    }
}
