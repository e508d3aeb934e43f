namespace ControlNet.ML.Imaging;

/// <summary>
/// Fits a finished condition to a <see cref="Geometry"/> without degrading it, by the web UI's rules: maps with few colors
/// (segmentation) keep their colors, black-and-white maps stay black and white, one-pixel edges stay one pixel wide.
/// </summary>
public static class MapFit
{
    // A map with at least this many colors counts as an image.
    private const int ManyColors = 200;

    /// <summary>Scales the map and places it on the median color of its border.</summary>
    /// <param name="map">A map of the geometry's source size, 1, 3 or 4 channels.</param>
    /// <param name="geometry">The geometry.</param>
    /// <returns>A new map of the geometry's size, channels as before.</returns>
    public static ImageBuffer Apply(ImageBuffer map, Geometry geometry)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(geometry);
        geometry.ExpectSource(map, nameof(map));
        var result = new ImageBuffer(geometry.Width, geometry.Height, map.Channels);
        if (geometry.Mode == FitMode.Fill)
        {
            var color = BorderColor(map);
            for (var i = 0; i < result.Samples.Length; i += color.Length)
                color.CopyTo(result.Samples, i);
        }

        geometry.Place(Scale(map, geometry.ScaledWidth, geometry.ScaledHeight), result);
        return result;
    }

    /// <summary>Scales a whole map by the same rules.</summary>
    /// <param name="map">1, 3 or 4 channels.</param>
    /// <param name="width">Columns of the result, at least 1.</param>
    /// <param name="height">Rows of the result, at least 1.</param>
    /// <returns>A new map. At its own size it is a copy, except that thick spots of one-pixel edges are thinned.</returns>
    public static ImageBuffer Scale(ImageBuffer map, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(map);
        var (before, after) = ((long)map.Width * map.Height, (long)width * height);
        var colors = CountColors(map);
        var interpolation = colors is > 2 and < ManyColors ? Interpolation.Nearest
            : after < before ? Interpolation.Area
            : Interpolation.Cubic;
        var scaled = Resize.Apply(map, width, height, interpolation);
        var binary = colors == 2
            && map.Samples.AsSpan().ContainsAnyInRange<byte>(0, 15)
            && map.Samples.AsSpan().ContainsAnyInRange<byte>(241, 255);
        if (!binary)
            return scaled;

        var grey = Mean(scaled);
        if (IsOnePixelWide(map))
        {
            grey = Morphology.SuppressNonMaxima(grey);
            grey = Thinning.Apply(Threshold.Apply(grey, Threshold.Otsu(grey)), prune: after > before);
        }
        else
        {
            grey = Threshold.Apply(grey, Threshold.Otsu(grey));
        }

        for (var i = 0; i < scaled.Samples.Length; i++)
            scaled.Samples[i] = grey.Samples[i / scaled.Channels];
        return scaled;
    }

    // Strokes that opening removes more than half of.
    private static bool IsOnePixelWide(ImageBuffer map)
    {
        var opened = Morphology.Dilate(Morphology.Erode(map));
        long lost = 0, lit = 0;
        for (var i = 0; i < map.Samples.Length; i++)
        {
            lost += opened.Samples[i] < map.Samples[i] ? 1 : 0;
            lit += map.Samples[i] > 127 ? 1 : 0;
        }

        return lost * 2 > lit;
    }

    private static ImageBuffer Mean(ImageBuffer image)
    {
        var result = new ImageBuffer(image.Width, image.Height, 1);
        for (var i = 0; i < result.Samples.Length; i++)
        {
            var sum = 0;
            foreach (var sample in image.Samples.AsSpan(i * image.Channels, image.Channels))
                sum += sample;
            result.Samples[i] = (byte)(sum / image.Channels);
        }

        return result;
    }

    private static int CountColors(ImageBuffer map)
    {
        var colors = new HashSet<int>();
        for (var i = 0; i < map.Samples.Length && colors.Count < ManyColors; i += map.Channels)
        {
            var color = 0;
            foreach (var sample in map.Samples.AsSpan(i, map.Channels))
                color = (color << 8) | sample;
            colors.Add(color);
        }

        return colors.Count;
    }

    // The median of each channel over the four border lines, corners counted twice; alpha is set to opaque.
    private static byte[] BorderColor(ImageBuffer map)
    {
        var color = new byte[map.Channels];
        var samples = new List<byte>(2 * (map.Width + map.Height));
        for (var c = 0; c < color.Length; c++)
        {
            samples.Clear();
            for (var x = 0; x < map.Width; x++)
            {
                samples.Add(map.Row(0)[(x * map.Channels) + c]);
                samples.Add(map.Row(map.Height - 1)[(x * map.Channels) + c]);
            }

            for (var y = 0; y < map.Height; y++)
            {
                samples.Add(map.Row(y)[c]);
                samples.Add(map.Row(y)[^(map.Channels - c)]);
            }

            samples.Sort();
            color[c] = c == 3 ? byte.MaxValue : (byte)((samples[(samples.Count / 2) - 1] + samples[samples.Count / 2]) / 2);
        }

        return color;
    }
}
