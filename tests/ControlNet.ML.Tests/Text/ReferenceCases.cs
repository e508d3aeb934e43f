using System.Text.Json;

namespace ControlNet.ML.Tests.Text;

/// <summary>Cases in the JSON files of the fixtures' text folder, each named by its place and what it is about.</summary>
internal static class ReferenceCases
{
    private static readonly Dictionary<string, JsonElement> Files = [];

    public static TheoryData<string> Of(string file, string list, string? key = null) => Fixtures.Cases(
        All(file, list).Select((entry, place) => (entry, name: $"{place} {About(entry)}"))
            .Where(item => key is null || item.entry.TryGetProperty(key, out _)).Select(item => item.name));

    public static JsonElement Find(string file, string list, string name)
    {
        Fixtures.SkipIfNothing(name, $"'{list}' in text/{file}");
        return All(file, list)[int.Parse(name.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)];
    }

    /// <summary>The text of a case; where it has lone surrogates, it stands as code units.</summary>
    public static string Text(JsonElement entry) => entry.TryGetProperty("utf16", out var units)
        ? string.Concat(units.EnumerateArray().Select(unit => (char)unit.GetInt32()))
        : entry.GetProperty("text").GetString()!;

    public static int[] Ids(JsonElement ids) => [.. ids.EnumerateArray().Select(id => id.GetInt32())];

    public static double[] Numbers(JsonElement numbers) => [.. numbers.EnumerateArray().Select(number => number.GetDouble())];

    private static JsonElement[] All(string file, string list)
    {
        if (!Fixtures.Has("text", file))
            return [];
        lock (Files)
        {
            if (!Files.TryGetValue(file, out var root))
                Files[file] = root = JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(Fixtures.Path("text", file)));
            return root.TryGetProperty(list, out var entries) ? [.. entries.EnumerateArray()] : [];
        }
    }

    private static string About(JsonElement entry) =>
        entry.TryGetProperty("about", out var about) ? about.GetString()! : entry.TryGetProperty("text", out var text) ? Shorten(text.GetString()!) : "";

    private static string Shorten(string text) => text.Length <= 30 ? text : text[..30] + "…";
}
