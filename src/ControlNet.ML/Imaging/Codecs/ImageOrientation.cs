namespace ControlNet.ML.Imaging;

/// <summary>Applies an Exif orientation, 1 to 8, to turn an image upright.</summary>
internal static class ImageOrientation
{
    /// <summary>Turns an image.</summary>
    public static ImageBuffer Upright(ImageBuffer image, int orientation)
    {
        if (orientation is < 2 or > 8)
            return image;
        var (width, height) = Size(image.Width, image.Height, orientation);
        var channels = image.Channels;
        var result = new ImageBuffer(width, height, channels);
        for (var y = 0; y < result.Height; y++)
        {
            var target = result.Row(y);
            for (var x = 0; x < result.Width; x++)
            {
                var (column, row) = Stored(x, y, image.Width, image.Height, orientation);
                image.Row(row).Slice(column * channels, channels).CopyTo(target[(x * channels)..]);
            }
        }

        return result;
    }

    /// <summary>Turns values.</summary>
    public static FloatMap Upright(FloatMap map, int orientation)
    {
        if (orientation is < 2 or > 8)
            return map;
        var (width, height) = Size(map.Width, map.Height, orientation);
        var result = new FloatMap(width, height);
        for (var i = 0; i < result.Values.Length; i++)
        {
            var (column, row) = Stored(i % width, i / width, map.Width, map.Height, orientation);
            result.Values[i] = map[column, row];
        }

        return result;
    }

    private static (int Width, int Height) Size(int width, int height, int orientation) =>
        orientation >= 5 ? (height, width) : (width, height);

    /// <summary>The position in the stored image of a pixel of the upright one.</summary>
    private static (int Column, int Row) Stored(int x, int y, int width, int height, int orientation) => orientation switch
    {
        2 => (width - 1 - x, y),
        3 => (width - 1 - x, height - 1 - y),
        4 => (x, height - 1 - y),
        5 => (y, x),
        6 => (y, height - 1 - x),
        7 => (width - 1 - y, height - 1 - x),
        _ => (width - 1 - y, x),
    };
}
