using System.Text.Json;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Conditions;

/// <summary>A parsed keypoint file: its size, lists of keypoints, and errors that name the position.</summary>
internal sealed class PoseJson(JsonElement? root, string source, PoseReadOptions options)
{
    private const int MaxSide = 65_535;
    private const long MaxPixels = 100_000_000;
    private const int NumbersAPoint = 3;

    /// <summary>Whether the file is a bare list of annotations.</summary>
    public bool IsBare => root is null;

    /// <summary>The root object, unless the file is bare.</summary>
    public JsonElement Root => root!.Value;

    public long? ImageId => options.ImageId;

    public ControlNetException Error(string message) => new($"{source}: {message}");

    /// <summary>The members of a list.</summary>
    public IEnumerable<JsonElement> List(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray()
            : throw Error($"'{name}' is {JsonText.Describe(value)}, expected a list.");

    /// <summary>An image's size: the file's, otherwise the options'.</summary>
    /// <param name="holder">The object that may have it.</param>
    /// <param name="width">The width's key.</param>
    /// <param name="height">The height's key.</param>
    public (int Width, int Height) Size(JsonElement? holder, string width, string height)
    {
        var size = (
            Width: Side(holder, width, options.Width, nameof(options.Width)),
            Height: Side(holder, height, options.Height, nameof(options.Height)));
        return (long)size.Width * size.Height <= MaxPixels
            ? size
            : throw Error($"the image has {size.Width}x{size.Height} pixels, expected at most {MaxPixels:N0}.");
    }

    /// <summary>
    /// The unconverted keypoints of a list of alternating x, y and confidence; null for an absent, empty or null list.
    /// </summary>
    /// <param name="person">The object that holds the list.</param>
    /// <param name="key">Its key.</param>
    /// <param name="name">Its owner, for messages.</param>
    /// <param name="counts">The allowed numbers of keypoints.</param>
    public PosePoint?[]? Points(JsonElement person, string key, string name, params ReadOnlySpan<int> counts)
    {
        if (person.ValueKind != JsonValueKind.Object)
            throw Error($"{name} is {JsonText.Describe(person)}, expected an object.");
        if (!person.TryGetProperty(key, out var list) || list.ValueKind == JsonValueKind.Null)
            return null;
        if (list.ValueKind != JsonValueKind.Array)
            throw Error($"'{key}' of {name} is {JsonText.Describe(list)}, expected a list of numbers.");
        var length = list.GetArrayLength();
        if (length == 0)
            return null;
        if (length % NumbersAPoint != 0 || !counts.Contains(length / NumbersAPoint))
        {
            var expected = string.Join(
                " or ", counts.ToArray().Select(count => $"{count * NumbersAPoint} ({count} points of x, y and confidence)"));
            throw Error($"'{key}' of {name} has {length:N0} numbers, expected {expected}.");
        }

        var numbers = new double[length];
        foreach (var (i, value) in list.EnumerateArray().Index())
        {
            numbers[i] = value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
                ? number
                : throw Error($"number {i + 1} in '{key}' of {name} is {JsonText.Describe(value)}, expected a finite number.");
        }

        return [.. numbers.Chunk(NumbersAPoint).Select(n => n[2] > 0 ? new PosePoint(n[0], n[1], Math.Min(n[2], 1)) : (PosePoint?)null)];
    }

    private int Side(JsonElement? holder, string key, int? given, string option)
    {
        if (holder is { } named && named.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null)
        {
            // Python writes some sizes as 512.0.
            return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number is >= 1 and <= MaxSide
                && double.IsInteger(number)
                ? (int)number
                : throw Error($"'{key}' is {JsonText.Describe(value)}, expected a whole number of pixels, 1 to {MaxSide:N0}.");
        }

        return given switch
        {
            >= 1 and <= MaxSide => given.Value,
            null => throw Error($"does not say the image's size ('{key}'), expected {option} to be given."),
            _ => throw Error($"the {option} given is {given}, expected 1 to {MaxSide:N0} pixels."),
        };
    }
}
