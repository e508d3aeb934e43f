using System.Text.Json;

namespace ControlNet.ML.Configuration;

/// <summary>
/// Reads the values of a configuration by their JSON keys, strictly: a number in quotes is not a number. It checks types;
/// <see cref="ConfigRules"/> checks ranges and how values fit each other. Keys that are never read become warnings.
/// </summary>
internal sealed class ConfigReader(JsonElement root, string source)
{
    private readonly HashSet<string> _known = [];

    public static ConfigReader Parse(ReadOnlySpan<byte> json, string source) => new(JsonText.ParseObject(json, source), source);

    public string Source => source;

    public int Whole(string key, int fallback) => Find(key) is { } value ? Whole(key, value) : fallback;

    public int? WholeOrNull(string key) => Find(key) is { ValueKind: not JsonValueKind.Null } value ? Whole(key, value) : null;

    public double Number(string key, double fallback) => Find(key) is { } value ? Number(key, value) : fallback;

    public double? NumberOrNull(string key) => Find(key) is { ValueKind: not JsonValueKind.Null } value ? Number(key, value) : null;

    public bool Flag(string key, bool fallback) => Find(key) is { } value ? Flag(key, value) : fallback;

    public string Text(string key, string fallback) => Find(key) is { } value ? Text(key, value) : fallback;

    /// <summary>An activation's name; swish is an alias of silu.</summary>
    public string Activation(string key, string fallback) => Text(key, fallback) is var name && name == "swish" ? "silu" : name;

    public string? TextOrNull(string key) => Find(key) is { ValueKind: not JsonValueKind.Null } value ? Text(key, value) : null;

    public int[] Wholes(string key, int[] fallback) => Find(key) is { } value ? List(key, value, Whole, "whole numbers") : fallback;

    public string[] Texts(string key, string[] fallback) => Find(key) is { } value ? List(key, value, Text, "texts") : fallback;

    /// <summary>One whole number for every level, or a list of them; null where the key is null or absent.</summary>
    public int[]? WholesPerLevel(string key, int levels) =>
        Find(key) switch
        {
            null or { ValueKind: JsonValueKind.Null } => null,
            { ValueKind: JsonValueKind.Number } value => Repeat(Whole(key, value), levels),
            { } value => List(key, value, Whole, "whole numbers, or one"),
        };

    /// <summary>
    /// A value that diffusers also takes as a list with one entry per level, where it must be the same in all levels here.
    /// </summary>
    public int SameWhole(string key, int fallback) => Find(key) is { } value ? Same(key, value, Whole) : fallback;

    /// <summary>A flag that must be the same in all levels.</summary>
    public bool SameFlag(string key, bool fallback) => Find(key) is { } value ? Same(key, value, Flag) : fallback;

    /// <summary>Refuses a key for an unsupported feature, unless its value turns the feature off.</summary>
    /// <param name="key">The key.</param>
    /// <param name="allowed">The values that have no effect, as JSON.</param>
    public void Unsupported(string key, params ReadOnlySpan<string> allowed)
    {
        if (Find(key) is not { } value)
            return;
        foreach (var text in allowed)
        {
            using var document = JsonDocument.Parse(text);
            if (JsonElement.DeepEquals(document.RootElement, value))
                return;
        }

        throw new ControlNetException(
            $"{source}: '{key}' is {JsonText.Describe(value)}; only {string.Join(" or ", allowed.ToArray())} is supported.");
    }

    /// <summary>Marks known keys without effect here, so that they cause no warning.</summary>
    public void Ignore(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
            _known.Add(key);
    }

    /// <summary>Checks <c>_class_name</c>; if it is absent, the usual name is assumed.</summary>
    /// <param name="name">The usual name.</param>
    /// <param name="others">Other accepted names.</param>
    /// <returns>The name found.</returns>
    public string ExpectClass(string name, params string[] others)
    {
        var found = Text("_class_name", name);
        if (found != name && !others.Contains(found))
            throw new ControlNetException($"{source}: is the configuration of {Message.Name(found)}, expected '{name}'.");
        Ignore("_diffusers_version", "_name_or_path", "_use_default_values");
        return found;
    }

    /// <summary>One warning for each key that was never read.</summary>
    public IReadOnlyList<string> Warnings() =>
        [.. root.EnumerateObject().Where(property => !_known.Contains(property.Name))
            .Select(property => $"{source}: the unknown key {Message.Name(property.Name)} is ignored.")];

    /// <summary>The raw value of a key, which marks the key as known; null if it is absent.</summary>
    public JsonElement? Find(string key)
    {
        _known.Add(key);
        return root.TryGetProperty(key, out var value) ? value : null;
    }

    public ControlNetException Error(string key, JsonElement value, string expected) =>
        new($"{source}: '{key}' is {JsonText.Describe(value)}, expected {expected}.");

    public static int[] Repeat(int value, int levels)
    {
        var values = new int[levels];
        Array.Fill(values, value);
        return values;
    }

    private int Whole(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            ? number
            : throw Error(key, value, $"a whole number up to {int.MaxValue:N0}");

    private double Number(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : throw Error(key, value, "a finite number");

    private bool Flag(string key, JsonElement value) =>
        value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Error(key, value, "true or false");

    private string Text(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Error(key, value, "a string");

    private T[] List<T>(string key, JsonElement value, Func<string, JsonElement, T> read, string expected) =>
        value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(item => read(key, item))]
            : throw Error(key, value, $"a list of {expected}");

    private T Same<T>(string key, JsonElement value, Func<string, JsonElement, T> read)
    {
        if (value.ValueKind != JsonValueKind.Array)
            return read(key, value);
        var values = List(key, value, read, "values").Distinct().ToList();
        return values.Count == 1 ? values[0] : throw Error(key, value, "one value, or a list of equal ones");
    }
}
