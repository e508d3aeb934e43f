using System.Text.Json;
using System.Text.RegularExpressions;
using ControlNet.ML.Text;

namespace ControlNet.ML.Tests.Text;

/// <summary>weights/broken/text.json, group "tokenizer": files that must be refused, and odd ones that must not.</summary>
[Trait("Category", "Parity")]
public sealed partial class BrokenTokenizerParityTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tokenizer").FullName;

    public static TheoryData<string> Cases() => Fixtures.Cases(All().Select(entry => entry.GetProperty("name").GetString()!));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_tokenizer_s_files_are_read_or_refused_as_they_deserve(string name)
    {
        Fixtures.SkipIfNothing(name, "broken tokenizers");
        var entry = All().Single(item => item.GetProperty("name").GetString() == name);
        string[] files = [.. entry.GetProperty("files").EnumerateObject().Select(Write)];
        var expected = entry.GetProperty("expect").GetString();

        var error = Record.Exception(() => Check(entry));
        if (expected == "ok")
            Assert.Null(error);
        if (expected == "error")
            Assert.NotNull(error);
        if (error is not null)
        {
            Assert.IsType<ControlNetException>(error);
            Assert.Contains(_folder, error.Message, StringComparison.Ordinal);
            Assert.True(
                files.Concat(["vocab.json", "merges.txt"]).Any(file => error.Message.Contains(file, StringComparison.Ordinal)),
                $"The message names no file: {error.Message}");
            TestContext.Current.TestOutputHelper?.WriteLine(error.Message);
        }
    }

    // Loads the tokenizer, puts it together with an embedding of as many rows as it has tokens, and compares its ids.
    private void Check(JsonElement entry)
    {
        var tokenizer = ClipTokenizer.Load(_folder);
        if (entry.GetProperty("expect").GetString() == "error")
            tokenizer.EnsureFits(CountTokens(), "the text encoder");
        var reference = ReferenceIds().Match(entry.GetProperty("reference").GetString()!);
        if (reference.Success)
        {
            int[] ids = [tokenizer.BosTokenId, .. tokenizer.Encode(reference.Groups["text"].Value), tokenizer.EosTokenId];
            Assert.Equal(JsonSerializer.Deserialize<int[]>(reference.Groups["ids"].Value), ids);
        }
    }

    private int CountTokens() =>
        JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(Path.Combine(_folder, "vocab.json"))).EnumerateObject().Count();

    private string Write(JsonProperty file)
    {
        var bytes = file.Value.ValueKind == JsonValueKind.Object
            ? file.Value.GetProperty("base64").GetBytesFromBase64()
            : System.Text.Encoding.UTF8.GetBytes(file.Value.GetString()!);
        File.WriteAllBytes(Path.Combine(_folder, file.Name), bytes);
        return file.Name;
    }

    private static IEnumerable<JsonElement> All() => Fixtures.Has("weights", "broken", "text.json")
        ? JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(Fixtures.Path("weights", "broken", "text.json")))
            .EnumerateArray().Where(entry => entry.GetProperty("group").GetString() == "tokenizer")
        : [];

    [GeneratedRegex(@"^ids of '(?<text>[^']*)': (?<ids>\[[\d, ]*\])$")]
    private static partial Regex ReferenceIds();
}
