using System.Text.Json;

namespace ControlNet.ML.TestSupport;

/// <summary>
/// The embedded model's own reference values: its golden folder, from an emoji-model folder in or next to the folder that
/// CONTROLNET_FIXTURES names, otherwise from the checkout.
/// </summary>
public static class GoldenModel
{
    public static string Folder { get; } = new[]
    {
        Fixtures.Path("emoji-model"),
        System.IO.Path.GetFullPath(Fixtures.Path("..", "emoji-model")),
        System.IO.Path.Combine(Fixtures.Checkout, "src", "ControlNet.ML.Emoji", "models", "emoji"),
    }.First(folder => File.Exists(System.IO.Path.Combine(folder, "golden", "cases.json")));

    public static IReadOnlyList<JsonElement> Cases { get; } =
        [.. JsonDocument.Parse(File.ReadAllBytes(Golden("cases.json"))).RootElement.EnumerateArray()];

    public static JsonElement Case(string name) => Cases.Single(c => c.GetProperty("name").GetString() == name);

    /// <summary>The network that a case was generated with: the golden folder keeps its own where the model has a newer one.</summary>
    public static string Control(string name) =>
        new[]
        {
            Golden(System.IO.Path.Combine("controlnet", name)),
            System.IO.Path.Combine(Folder, "controlnet", name),
        }.First(Directory.Exists);

    public static string Golden(string file) => System.IO.Path.Combine(Folder, "golden", file);
}
