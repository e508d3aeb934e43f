using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ControlNet.ML.Tests.Weights;

/// <summary>The broken and hostile inputs of the fixtures, and the answer that each deserves.</summary>
internal static class BrokenCases
{
    private static readonly Lazy<Dictionary<string, JsonObject>> Text = new(() =>
        Fixtures.Has("weights", "broken", "text.json")
            ? Read("text.json").AsArray().ToDictionary(item => $"{item!["group"]}/{item["name"]}", item => item!.AsObject())
            : []);

    private static readonly Lazy<Dictionary<string, JsonObject>> Files = new(() =>
        Fixtures.Has("weights", "broken", "files.json")
            ? Read("files.json").AsArray().ToDictionary(item => (string)item!["file"]!, item => item!.AsObject())
            : []);

    public static JsonNode Read(string name) => JsonNode.Parse(File.ReadAllText(Fixtures.Path("weights", "broken", name)))!;

    public static IEnumerable<string> TextNames(string group) => Text.Value.Keys.Where(name => name.StartsWith(group + "/", StringComparison.Ordinal));

    public static IEnumerable<string> FileNames(string folder) =>
        Files.Value.Keys.Where(name => name.StartsWith(folder + "/", StringComparison.Ordinal) && Fixtures.Has("weights", "broken", name));

    public static JsonObject TextCase(string name) => Text.Value[name];

    public static JsonObject FileCase(string name) => Files.Value[name];

    /// <summary>A case's configuration: the sound one with some keys changed, or another text in its place.</summary>
    public static byte[] Patched(JsonObject patch, string sound)
    {
        if (patch["text"] is { } text)
            return Encoding.UTF8.GetBytes((string)text!);
        if (patch["base64"] is { } bytes)
            return Convert.FromBase64String((string)bytes!);
        var config = JsonNode.Parse(File.ReadAllText(sound))!.AsObject();
        foreach (var (key, value) in patch["set"]!.AsObject())
            config[key] = value?.DeepClone();
        return JsonSerializer.SerializeToUtf8Bytes(config);
    }

    /// <summary>Runs a case: what deserves an error gives ours, which names the file; nothing gives another exception.</summary>
    public static void Check(JsonObject item, string file, Action read)
    {
        var error = Record.Exception(read);
        if (error is not null)
        {
            var ours = Assert.IsType<ControlNetException>(error);
            Assert.Contains(file, ours.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(ours.Message, character => character is '\0' or '\u001b');
            Assert.InRange(ours.Message.Length, 10, 2500);
        }

        var expect = (string)item["expect"]!;
        Assert.True(expect == "ok-or-error" || expect == (error is null ? "ok" : "error"), $"{item["why"]}: expected {expect}, got {error?.Message ?? "no error"}");
    }
}
