using System.Text.Json;
using ControlNet.ML.Text;

namespace ControlNet.ML.Tests.Text;

/// <summary>The tokenizers of the model folders: what the text encoders of modules/ were given, and a tokenizer.json.</summary>
[Trait("Category", "Parity")]
public sealed class ModelTokenizerParityTests
{
    private const string Suffix = "-text.safetensors";

    public static TheoryData<string> Families() => Fixtures.Cases(
        Fixtures.Has("modules", "prompts.json")
            ? Directory.EnumerateFiles(Fixtures.Path("modules"), "*" + Suffix).Order(StringComparer.Ordinal)
                .Select(file => Path.GetFileName(file)[..^Suffix.Length])
            : []);

    public static TheoryData<string> Layouts() => Fixtures.Cases(
        Fixtures.Has("weights", "layouts")
            ? Directory.EnumerateFiles(Fixtures.Path("weights", "layouts"), "ids.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
                .Select(file => Path.GetFileName(Path.GetDirectoryName(file)!))
            : []);

    [Theory]
    [MemberData(nameof(Families))]
    public void A_model_s_tokenizers_give_its_text_encoders_ids(string family)
    {
        Fixtures.SkipIfNothing(family, "text encoders in modules/");
        var prompts = JsonSerializer.Deserialize<string[]>(File.ReadAllBytes(Fixtures.Path("modules", "prompts.json")))!;
        var tensors = new ReferenceTensors(Fixtures.Path("modules", family + Suffix));
        foreach (var (tensor, folder) in new[] { ("input_ids", "tokenizer"), ("input_ids_2", "tokenizer_2") })
        {
            if (!tensors.Has(tensor))
                continue;
            Assert.SkipUnless(Fixtures.Has("models", family, folder), $"No models/{family}/{folder} in {Fixtures.Root}.");
            var shape = tensors.Shape(tensor);
            var tokenizer = ClipTokenizer.Load(Fixtures.Path("models", family, folder), maxPositions: shape[1]);
            Assert.Equal(shape[0], prompts.Length);
            Assert.Equal(tensors.Doubles(tensor), prompts.SelectMany(prompt => tokenizer.Tokenize(prompt).Ids).Select(id => (double)id));
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void A_tokenizer_json_gives_the_reference_ids(string layout)
    {
        Fixtures.SkipIfNothing(layout, "ids.json in weights/layouts");
        var tokenizer = ClipTokenizer.Load(Fixtures.Path("weights", "layouts", layout, "tokenizer"));
        var cases = JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(Fixtures.Path("weights", "layouts", layout, "ids.json")));
        foreach (var entry in cases.EnumerateArray())
        {
            int[] ids = [tokenizer.BosTokenId, .. tokenizer.Encode(entry.GetProperty("prompt").GetString()!), tokenizer.EosTokenId];
            Assert.Equal(ReferenceCases.Ids(entry.GetProperty("tokenizer_json")), ids);
        }
    }
}
