using System.Globalization;
using System.Text.Json;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Conditions;

/// <summary>
/// Reads a <see cref="SegmentationLayout"/> from JSON: our own format,
/// <c>{"width": 512, "height": 512, "palette": "ade20k", "background": "sky", "regions": [{"label": "person", "box": [left, top, right,
/// bottom]}, {"label": "sea", "polygon": [[x, y], …]}]}</c>, or COCO's annotations with their boxes or polygons.
/// </summary>
public static class SegmentationLayoutFile
{
    private const int MaxSide = 65_535;
    private const long MaxPixels = 100_000_000;

    // Limits drawing to some ten seconds: each row visits every corner, and a region fills at most the whole image.
    private const long MostLooks = 4_000_000_000;
    private const long MostPainted = 100_000_000_000;

    /// <summary>Reads a file of at most 64 MB.</summary>
    /// <param name="path">The file.</param>
    /// <param name="imageId">The id of the image to read from a COCO file; null if it describes only one.</param>
    /// <returns>The layout.</returns>
    /// <exception cref="ControlNetException">
    /// The file cannot be read, or a value in it is missing or invalid; the message names it.
    /// </exception>
    public static SegmentationLayout Read(string path, long? imageId = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Parse(JsonText.ReadFile(path, path), path, imageId);
    }

    /// <summary>Reads a file in memory.</summary>
    /// <param name="json">The whole file.</param>
    /// <param name="source">The file's name, for errors.</param>
    /// <param name="imageId">The id of the image to read from a COCO file; null if it describes only one.</param>
    /// <returns>The layout.</returns>
    /// <exception cref="ControlNetException">A value in it is missing or invalid; the message names it.</exception>
    public static SegmentationLayout Parse(ReadOnlySpan<byte> json, string source, long? imageId = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        var root = JsonText.ParseObject(json, source);
        var layout = root.TryGetProperty("annotations", out var annotations) ? Coco(root, annotations, source, imageId) : Own(root, source);
        var corners = layout.Regions.Sum(region => (long)region.Outline.Count);
        if (corners * layout.Height > MostLooks || (long)layout.Regions.Count * layout.Width * layout.Height > MostPainted)
        {
            throw new ControlNetException(
                $"{source}: {layout.Regions.Count:N0} regions of {corners:N0} corners in {layout.Width}x{layout.Height} pixels are more "
                    + $"than can be drawn; "
                    + "expected fewer, or a smaller image.");
        }
        return layout;
    }

    private static SegmentationLayout Own(JsonElement root, string source)
    {
        var (width, height) = (Side(root, "width", "the layout", source), Side(root, "height", "the layout", source));
        CheckSize(width, height, source);
        var palette = root.TryGetProperty("palette", out var name)
            ? Named(source, () => SegmentationPalette.Find(Text(name, "palette", source)))
            : SegmentationPalette.Ade20k;
        return new SegmentationLayout
        {
            Width = width,
            Height = height,
            Palette = palette,
            Background = root.TryGetProperty("background", out var background)
                ? Label(background, palette, "the background", source)
                : SegmentationPalette.NoLabel,
            Regions = root.TryGetProperty("regions", out var regions)
                ? [.. List(regions, "'regions'", source).Select((region, i) => Region(region, palette, $"region {i + 1}", source))]
                : throw new ControlNetException(
                    $"{source}: there are no 'regions', expected a list of labels with a box or a polygon, or COCO's 'annotations'."),
        };
    }

    private static SegmentationRegion Region(JsonElement region, SegmentationPalette palette, string what, string source)
    {
        if (region.ValueKind != JsonValueKind.Object || !region.TryGetProperty("label", out var name))
            throw new ControlNetException($"{source}: {what} has no 'label', expected a class's name or its number.");
        var label = Label(name, palette, what, source);
        if (region.TryGetProperty("box", out var box))
        {
            var sides = Numbers(box, $"the box of {what}", source);
            return sides is [var left, var top, var right, var bottom] && left <= right && top <= bottom
                ? SegmentationRegion.Box(label, left, top, right, bottom)
                : throw new ControlNetException(
                    $"{source}: the box of {what} is [{string.Join(", ", sides.Select(Show))}], expected left, top, right, bottom.");
        }

        return region.TryGetProperty("polygon", out var polygon)
            ? new SegmentationRegion(
                label,
                Outline(
                    [.. List(polygon, "'polygon'", source).SelectMany(corner => Numbers(corner, $"a corner of {what}", source))],
                    what,
                    source))
            : throw new ControlNetException($"{source}: {what} has neither 'box' nor 'polygon'.");
    }

    private static SegmentationLayout Coco(JsonElement root, JsonElement annotations, string source, long? imageId)
    {
        var image = Image(root, source, imageId);
        var (width, height) = (Side(image, "width", "the image", source), Side(image, "height", "the image", source));
        CheckSize(width, height, source);
        var id = image.TryGetProperty("id", out _) ? Id(image, "id", "the image", source) : null;
        var palette = SegmentationPalette.CocoPanoptic;
        if (!root.TryGetProperty("categories", out var categories))
            throw new ControlNetException($"{source}: there are no 'categories' that name the annotations' classes.");
        var labels = new Dictionary<string, int>();
        foreach (var (category, i) in List(categories, "'categories'", source).Select((category, i) => (category, i)))
        {
            var what = $"category {i + 1}";
            var key = Id(category, "id", what, source);
            if (!labels.TryAdd(key, Label(Member(category, "name", what, source), palette, what, source)))
                throw new ControlNetException($"{source}: two categories have the id {Message.Name(key)}, expected one.");
        }

        List<SegmentationRegion> regions = [];
        foreach (var (annotation, i) in List(annotations, "'annotations'", source).Select((annotation, i) => (annotation, i)))
        {
            var what = $"annotation {i + 1}";
            if (annotation.ValueKind != JsonValueKind.Object)
                throw new ControlNetException($"{source}: {what} is {JsonText.Describe(annotation)}, expected an object.");
            if (annotation.TryGetProperty("image_id", out _) && Id(annotation, "image_id", what, source) != id)
                continue;
            var category = Id(annotation, "category_id", what, source);
            var label = labels.TryGetValue(category, out var known)
                ? known
                : throw new ControlNetException(
                    $"{source}: {what} has the category {Message.Name(category)}, which 'categories' does not list.");
            if (annotation.TryGetProperty("segmentation", out var outlines)
                && outlines.ValueKind == JsonValueKind.Array && outlines.GetArrayLength() > 0)
            {
                regions.AddRange(outlines.EnumerateArray().Select(
                    outline => new SegmentationRegion(label, Outline(Numbers(outline, $"an outline of {what}", source), what, source))));
                continue;
            }

            var box = Numbers(Member(annotation, "bbox", what, source), $"the bbox of {what}", source);
            regions.Add(box is [var left, var top, >= 0 and var wide, >= 0 and var high]
                ? SegmentationRegion.Box(label, left, top, left + wide, top + high)
                : throw new ControlNetException(
                    $"{source}: the bbox of {what} is [{string.Join(", ", box.Select(Show))}], expected left, top, width, height."));
        }

        return new SegmentationLayout { Width = width, Height = height, Palette = palette, Regions = regions };
    }

    private static JsonElement Image(JsonElement root, string source, long? imageId)
    {
        JsonElement[] images = root.TryGetProperty("images", out var list) ? [.. List(list, "'images'", source)] : [];
        if (imageId is null)
            return images.Length == 1
                ? images[0]
                : throw new ControlNetException(
                    $"{source} describes {images.Length:N0} images, expected one, or an image's id to be given.");
        return images.Select(image => (JsonElement?)image)
            .FirstOrDefault(image => Id(image!.Value, "id", "an image", source) == CocoId.Of(imageId.Value))
            ?? throw new ControlNetException($"{source} has no image {imageId}.");
    }

    private static (double X, double Y)[] Outline(double[] numbers, string what, string source) =>
        numbers.Length >= 6 && numbers.Length % 2 == 0
            ? [.. numbers.Chunk(2).Select(corner => (corner[0], corner[1]))]
            : throw new ControlNetException(
                $"{source}: the outline of {what} has {numbers.Length} numbers, expected x and y of at least three corners.");

    private static int Label(JsonElement name, SegmentationPalette palette, string what, string source)
    {
        var text = name.ValueKind == JsonValueKind.Number ? name.GetRawText() : Text(name, $"the class of {what}", source);
        return Named($"{source}: {what}", () => palette.Label(text));
    }

    private static T Named<T>(string where, Func<T> of)
    {
        try
        {
            return of();
        }
        catch (ControlNetException e)
        {
            throw new ControlNetException($"{where}: {e.Message}", e);
        }
    }

    private static JsonElement Member(JsonElement value, string name, string what, string source)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw new ControlNetException($"{source}: {what} is {JsonText.Describe(value)}, expected an object.");
        return value.TryGetProperty(name, out var member) ? member : throw new ControlNetException($"{source}: {what} has no '{name}'.");
    }

    private static string Id(JsonElement value, string name, string what, string source) =>
        CocoId.Of(Member(value, name, what, source))
            ?? throw new ControlNetException($"{source}: '{name}' of {what} is {JsonText.Describe(Member(value, name, what, source))}, "
                + $"expected a whole number or a string.");

    private static int Side(JsonElement value, string name, string what, string source) => Member(value, name, what, source) is var side
        && side.ValueKind == JsonValueKind.Number && side.TryGetInt64(out var whole) && whole is >= 1 and <= MaxSide
            ? (int)whole
            : throw new ControlNetException(
                $"{source}: '{name}' of {what} is {JsonText.Describe(side)}, expected a whole number of pixels, 1 to {MaxSide:N0}.");

    private static void CheckSize(int width, int height, string source)
    {
        if ((long)width * height > MaxPixels)
            throw new ControlNetException($"{source}: the image has {width}x{height} pixels, expected at most {MaxPixels:N0}.");
    }

    private static JsonElement.ArrayEnumerator List(JsonElement value, string what, string source) =>
        value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray()
            : throw new ControlNetException($"{source}: {what} is {JsonText.Describe(value)}, expected a list.");

    private static double[] Numbers(JsonElement value, string what, string source) =>
        [.. List(value, what, source).Select(number => number.ValueKind == JsonValueKind.Number
            && number.TryGetDouble(out var d) && double.IsFinite(d)
            ? d
            : throw new ControlNetException($"{source}: {what} holds {JsonText.Describe(number)}, expected finite numbers."))];

    private static string Text(JsonElement value, string what, string source) =>
        value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw new ControlNetException($"{source}: {what} is {JsonText.Describe(value)}, expected a string.");

    private static string Show(double number) => number.ToString(CultureInfo.InvariantCulture);
}
