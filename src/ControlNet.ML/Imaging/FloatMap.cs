namespace ControlNet.ML.Imaging;

/// <summary>A map with one float per pixel: depths, distances, scores.</summary>
public sealed class FloatMap
{
    /// <summary>Wraps values without copying them.</summary>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="values">Row-major; exactly width x height.</param>
    /// <exception cref="ArgumentException">A side is less than 1, or the values do not fill the map.</exception>
    public FloatMap(int width, int height, float[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (values.Length != (long)width * height)
            throw new ArgumentException($"{values.Length} values do not fill {width}x{height}.", nameof(values));
        (Width, Height, Values) = (width, height, values);
    }

    /// <summary>A map of zeros.</summary>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    public FloatMap(int width, int height)
        : this(width, height, new float[checked(width * height)])
    {
    }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>All values, row-major. Shared, not copied.</summary>
    public float[] Values { get; }

    /// <summary>The value of a pixel.</summary>
    /// <param name="x">Column, from 0.</param>
    /// <param name="y">Row, from 0.</param>
    public float this[int x, int y] => Values[(y * Width) + x];

    /// <summary>The grey levels of an image, 0 to 255.</summary>
    /// <param name="image">1, 3 or 4 channels; colors are converted by <see cref="Color.Grey"/>.</param>
    /// <returns>A new map of the same size.</returns>
    public static FloatMap Of(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var grey = image.Channels == 1 ? image : Color.Grey(image);
        var map = new FloatMap(image.Width, image.Height);
        for (var i = 0; i < map.Values.Length; i++)
            map.Values[i] = grey.Samples[i];
        return map;
    }

    /// <summary>
    /// The grey values of an image at full depth: <see cref="ImageBuffer.Deep"/> if it has them, otherwise as <see cref="Of"/>.
    /// </summary>
    /// <param name="image">1, 3 or 4 channels; alpha is not applied.</param>
    /// <returns>The map.</returns>
    public static FloatMap OfDeep(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return image.Deep ?? Of(image);
    }

    /// <summary>The values as grey levels: clipped to 0 to 255, then truncated, like NumPy's astype(uint8) of clipped floats.</summary>
    /// <returns>An image of one channel.</returns>
    public ImageBuffer ToLevels()
    {
        var image = new ImageBuffer(Width, Height, 1);
        for (var i = 0; i < Values.Length; i++)
            image.Samples[i] = (byte)Math.Clamp(Values[i], 0, 255);
        return image;
    }

    /// <summary>The size as text, <c>640x480</c>.</summary>
    public override string ToString() => $"{Width}x{Height}";
}
