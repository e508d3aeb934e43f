using System.Collections.Frozen;
using System.Globalization;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>
/// The classes of a segmentation and their colors in a condition. The public segmentation networks were trained on
/// <see cref="Ade20k"/>; ControlNet 1.1's also on <see cref="CocoPanoptic"/>.
/// </summary>
public sealed class SegmentationPalette
{
    /// <summary>The label of a pixel without a class.</summary>
    public const byte NoLabel = 255;

    private readonly FrozenDictionary<string, int> _labels;
    private readonly FrozenDictionary<int, byte> _exact;

    private SegmentationPalette(string name, IReadOnlyList<SegmentationClass> classes)
    {
        (Name, Classes) = (name, classes);
        _labels = classes.Select((c, label) => (c.Name, label))
            .ToFrozenDictionary(c => c.Name, c => c.label, StringComparer.OrdinalIgnoreCase);
        Dictionary<int, byte> exact = [];
        for (var label = 0; label < classes.Count; label++)
            exact.TryAdd(Key(classes[label].Red, classes[label].Green, classes[label].Blue), (byte)label);
        _exact = exact.ToFrozenDictionary();
    }

    /// <summary>ADE20K's 150 classes. Labels 6 (road) and 48 (skyscraper) share a color, which is converted back to 6.</summary>
    public static SegmentationPalette Ade20k { get; } = Read("ade20k");

    /// <summary>COCO's 133 panoptic classes: 80 things, then 53 stuff.</summary>
    public static SegmentationPalette CocoPanoptic { get; } = Read("coco-panoptic");

    /// <summary>All palettes.</summary>
    public static IReadOnlyList<SegmentationPalette> All { get; } = [Ade20k, CocoPanoptic];

    /// <summary>The palette's name in files and on the command line.</summary>
    public string Name { get; }

    /// <summary>The classes; a class's index is its label.</summary>
    public IReadOnlyList<SegmentationClass> Classes { get; }

    /// <summary>Finds a palette by name.</summary>
    /// <param name="name">Its name; case does not matter.</param>
    /// <returns>The palette.</returns>
    /// <exception cref="ControlNetException">There is none.</exception>
    public static SegmentationPalette Find(string name) =>
        All.FirstOrDefault(palette => palette.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new ControlNetException(
            $"There is no palette '{name}', expected one of {string.Join(", ", All.Select(palette => $"'{palette.Name}'"))}.");

    /// <summary>Finds the label of a class.</summary>
    /// <param name="name">Its name, in any case, or its label as a number.</param>
    /// <returns>The label.</returns>
    /// <exception cref="ControlNetException">There is no such class; the message names the nearest.</exception>
    public int Label(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (_labels.TryGetValue(name.Trim(), out var label))
            return label;
        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out label) && label < Classes.Count)
            return label;
        var nearest = NearestName.Suggest(name, Classes.Select(c => c.Name));
        throw new ControlNetException(
            $"'{Name}' has no class '{name}', expected a class's name or its label from 0 to "
                + $"{Classes.Count - 1}.{(nearest is null ? "" : $" Did you mean '{nearest}'?")}");
    }

    /// <summary>Converts labels to colors. <see cref="NoLabel"/> becomes black.</summary>
    /// <param name="labels">One channel of labels.</param>
    /// <returns>RGB, of the same size.</returns>
    /// <exception cref="ControlNetException">A label is not in this palette.</exception>
    /// <exception cref="ArgumentException">The labels have several channels.</exception>
    public ImageBuffer ToColors(ImageBuffer labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        if (labels.Channels != 1)
            throw new ArgumentException($"Labels have one channel, got {labels}.", nameof(labels));
        var result = new ImageBuffer(labels.Width, labels.Height, 3);
        for (var i = 0; i < labels.Samples.Length; i++)
        {
            var label = labels.Samples[i];
            if (label == NoLabel)
                continue;
            if (label >= Classes.Count)
                throw new ControlNetException($"The label at column {i % labels.Width}, row {i / labels.Width} is {label}, expected 0 to "
                    + $"{Classes.Count - 1} of '{Name}'.");
            var color = Classes[label];
            (result.Samples[3 * i], result.Samples[(3 * i) + 1], result.Samples[(3 * i) + 2]) = (color.Red, color.Green, color.Blue);
        }

        return result;
    }

    /// <summary>Converts colors to labels: the lowest label of exactly the color, or <see cref="NoLabel"/> if there is none.</summary>
    /// <param name="map">A segmentation map; alpha is dropped.</param>
    /// <returns>One channel, of the same size.</returns>
    public ImageBuffer ToLabels(ImageBuffer map) => ToLabels(map, key => _exact.GetValueOrDefault(key, NoLabel));

    /// <summary>Converts colors to the labels of the nearest colors (squared distance in RGB), the lowest label on ties.</summary>
    /// <param name="map">A segmentation map, possibly resampled or compressed with loss; alpha is dropped.</param>
    /// <returns>One channel, of the same size.</returns>
    public ImageBuffer ToNearestLabels(ImageBuffer map)
    {
        // Maps have few colors and long runs of each: each color is searched once.
        Dictionary<int, byte> known = [];
        return ToLabels(map, key =>
        {
            if (!known.TryGetValue(key, out var label))
                known[key] = label = Nearest(key);
            return label;
        });
    }

    private static ImageBuffer ToLabels(ImageBuffer map, Func<int, byte> label)
    {
        var colors = Color.Rgb(map);
        var result = new ImageBuffer(map.Width, map.Height, 1);
        for (var i = 0; i < result.Samples.Length; i++)
            result.Samples[i] = label(Key(colors.Samples[3 * i], colors.Samples[(3 * i) + 1], colors.Samples[(3 * i) + 2]));
        return result;
    }

    private byte Nearest(int key)
    {
        var (best, least) = (0, int.MaxValue);
        for (var label = 0; label < Classes.Count; label++)
        {
            var (r, g, b) = (
                (key >> 16) - Classes[label].Red, ((key >> 8) & 255) - Classes[label].Green, (key & 255) - Classes[label].Blue);
            var distance = (r * r) + (g * g) + (b * b);
            if (distance < least)
                (best, least) = (label, distance);
        }

        return (byte)best;
    }

    private static int Key(byte red, byte green, byte blue) => (red << 16) | (green << 8) | blue;

    private static SegmentationPalette Read(string name)
    {
        using var stream = typeof(SegmentationPalette).Assembly.GetManifestResourceStream($"palettes/{name}.txt")!;
        using var reader = new StreamReader(stream);
        List<SegmentationClass> classes = [];
        while (reader.ReadLine() is { } line)
        {
            var parts = line.Split(' ', 4);
            classes.Add(new SegmentationClass(parts[3], Level(parts[0]), Level(parts[1]), Level(parts[2])));
        }

        return new SegmentationPalette(name, classes);

        static byte Level(string text) => byte.Parse(text, CultureInfo.InvariantCulture);
    }
}

/// <summary>A class of a segmentation.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Red">The color's red.</param>
/// <param name="Green">The color's green.</param>
/// <param name="Blue">The color's blue.</param>
public sealed record SegmentationClass(string Name, byte Red, byte Green, byte Blue);
