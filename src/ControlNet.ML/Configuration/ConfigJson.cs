using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ControlNet.ML.Configuration;

/// <summary>Writes configurations as diffusers does: sorted keys, indented by two spaces, a newline at the end.</summary>
internal static class ConfigJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = new System.Text.Json.Serialization.Metadata.DefaultJsonTypeInfoResolver(),
    };

    public static string Write(IEnumerable<KeyValuePair<string, JsonNode?>> values)
    {
        var root = new JsonObject();
        foreach (var (key, value) in values.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            root.Add(key, value);
        return root.ToJsonString(Options) + "\n";
    }

    public static JsonArray List<T>(T[] values) => new([.. values.Select(value => (JsonNode?)JsonValue.Create(value))]);

    /// <summary>A single number if all levels have the same, as in most files, else the list.</summary>
    public static JsonNode PerLevel(int[] values) => values.Distinct().Count() == 1 ? JsonValue.Create(values[0]) : List(values);
}
