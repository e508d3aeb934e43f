using System.Collections.Concurrent;
using System.Text.Json;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>Manifests of fixtures: a list in a JSON file, empty where there is no such file.</summary>
internal static class FixtureJson
{
    private static readonly ConcurrentDictionary<string, JsonElement> Files = new();

    public static JsonElement File(params ReadOnlySpan<string> parts) => Files.GetOrAdd(Fixtures.Path(parts), path =>
    {
        using var document = JsonDocument.Parse(System.IO.File.ReadAllBytes(path));
        return document.RootElement.Clone();
    });

    public static JsonElement[] List(string list, params ReadOnlySpan<string> parts) =>
        Fixtures.Has(parts) && File(parts).TryGetProperty(list, out var entries) ? [.. entries.EnumerateArray()] : [];

    public static double[] Numbers(this JsonElement value) => [.. value.EnumerateArray().Select(entry => entry.GetDouble())];
}
