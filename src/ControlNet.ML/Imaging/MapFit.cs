namespace ControlNet.ML.Imaging;

/// <summary>
/// Brings a finished condition to the size of a <see cref="Geometry"/> without spoiling it, by the web UI's rules: maps of few colours
/// (segmentation) keep their colours, black-and-white ones stay so, one-pixel edges stay one pixel wide.
/// </summary>
public static class MapFit
{
    // From this many colours on a map counts as a picture.
    private const int ManyColours = 200;

    /// <summary>Scales the map and lays it on the median colour of its border.</summary>
    /// <param name="map">A map of the geometry's source size, 1, 3 or 4 channels.</param>
    /// <param name="geometry">Where it goes.</param>
    /// <returns>A new map of the geometry's size, channels as before.</returns>
    public static ImageBuffer Apply(ImageBuffer map, Geometry geometry)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(geometry);
        geometry.ExpectSource(map, nameof(map));
        var result = new ImageBuffer(geometry.Width, geometry.Height, map.Channels);
        if (geometry.Mode == FitMode.Fill)
        {
            var colour = BorderColour(map);
            for (var i = 0; i < result.Samples.Length; i += colour.Length)
                colour.CopyTo(result.Samples, i);
        }

        geometry.Place(Scale(map, geometry.ScaledWidth, geometry.ScaledHeight), result);
        return result;
    }

    /// <summary>Scales a map by the same rules, all of it.</summary>
    /// <param name="map">1, 3 or 4 channels.</param>
    /// <param name="width">Columns of the result, at least 1.</param>
    /// <param name="height">Rows of the result, at least 1.</param>
    /// <returns>A new map. At its own size it is a copy, except that thick spots of one-pixel edges are thinned.</returns>
    public static ImageBuffer Scale(ImageBuffer map, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(map);
        var (before, after) = ((long)map.Width * map.Height, (long)width * height);
        var colours = CountColours(map);
        var interpolation = colours is > 2 and < ManyColours ? Interpolation.Nearest
            : after < before ? Interpolation.Area
            : Interpolation.Cubic;
        var scaled = Resize.Apply(map, width, height, interpolation);
        var binary = colours == 2 && map.Samples.AsSpan().ContainsAnyInRange<byte>(0, 15) && map.Samples.AsSpan().ContainsAnyInRange<byte>(241, 255);
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

    private static int CountColours(ImageBuffer map)
    {
        var colours = new HashSet<int>();
        for (var i = 0; i < map.Samples.Length && colours.Count < ManyColours; i += map.Channels)
        {
            var colour = 0;
            foreach (var sample in map.Samples.AsSpan(i, map.Channels))
                colour = (colour << 8) | sample;
            colours.Add(colour);
        }

        return colours.Count;
    }

    // The median of each channel over the four border lines, corners counted twice; an alpha is made opaque.
    private static byte[] BorderColour(ImageBuffer map)
    {
        var colour = new byte[map.Channels];
        var samples = new List<byte>(2 * (map.Width + map.Height));
        for (var c = 0; c < colour.Length; c++)
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
            colour[c] = c == 3 ? byte.MaxValue : (byte)((samples[(samples.Count / 2) - 1] + samples[samples.Count / 2]) / 2);
        }

        return colour;
    }
}
