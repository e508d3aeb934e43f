using System.Text.Json;
using ControlNet.ML.Text;

namespace ControlNet.ML.Tests.Text;

/// <summary>text/clip-ids.json: the ids, padding and decoding of transformers' CLIPTokenizer.</summary>
[Trait("Category", "Parity")]
public sealed class ClipIdsParityTests
{
    private const string CasesFile = "clip-ids.json";

    public static TheoryData<string> Cases() => ReferenceCases.Of(CasesFile, "cases");

    public static TheoryData<string> Padded() => ReferenceCases.Of(CasesFile, "padded");

    public static TheoryData<string> Decoded() => ReferenceCases.Of(CasesFile, "decoded");

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_text_gives_the_ids_of_the_slow_tokenizer(string name)
    {
        var entry = ReferenceCases.Find(CasesFile, "cases", name);
        Assert.Equal(ReferenceCases.Ids(entry.GetProperty("ids")), Framed(Tokenizers.Clip, entry));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void With_an_exclamation_mark_for_padding_it_is_a_special_token(string name)
    {
        var entry = ReferenceCases.Find(CasesFile, "cases", name);
        var ids = entry.TryGetProperty("bang", out var bang) ? bang : entry.GetProperty("ids");
        Assert.Equal(ReferenceCases.Ids(ids), Framed(Tokenizers.Bang, entry));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_text_gives_the_ids_of_the_fast_tokenizer_by_its_rules(string name)
    {
        var entry = ReferenceCases.Find(CasesFile, "cases", name);
        var ids = entry.TryGetProperty("fast", out var fast) ? fast : entry.GetProperty("ids");
        Assert.SkipWhen(ids.ValueKind == JsonValueKind.Null, "The reference refuses this text.");
        Assert.Equal(ReferenceCases.Ids(ids), Framed(Tokenizers.Fast, entry));
    }

    [Theory]
    [MemberData(nameof(Padded))]
    public void A_prompt_is_cut_and_padded(string name)
    {
        var entry = ReferenceCases.Find(CasesFile, "padded", name);
        foreach (var (kind, tokenizer) in new[] { ("eos", Tokenizers.Clip), ("bang", Tokenizers.Bang) })
        {
            var prompt = tokenizer.Tokenize(ReferenceCases.Text(entry));
            Assert.Equal(ReferenceCases.Ids(entry.GetProperty(kind)), prompt.Ids);
            Assert.Equal(entry.GetProperty(kind + "_attended").GetInt32(), prompt.Attended);
            Assert.Equal(prompt.Attended, prompt.AttentionMask.Sum());
        }

        var untruncated = ReferenceCases.Ids(entry.GetProperty("untruncated"));
        Assert.Equal(untruncated, Framed(Tokenizers.Clip, entry));
        Assert.Equal(untruncated.Length > 77, Tokenizers.Clip.Tokenize(ReferenceCases.Text(entry)).Truncated is not null);
    }

    [Theory]
    [MemberData(nameof(Decoded))]
    public void Ids_are_decoded(string name)
    {
        var entry = ReferenceCases.Find(CasesFile, "decoded", name);
        var ids = ReferenceCases.Ids(entry.GetProperty("ids"));
        Assert.Equal(entry.GetProperty("text").GetString(), Tokenizers.Clip.Decode(ids));
        Assert.Equal(entry.GetProperty("without_special").GetString(), Tokenizers.Clip.Decode(ids, skipSpecialTokens: true));
        Assert.Equal(entry.GetProperty("cut_off").GetString(), Tokenizers.Clip.Decode(ids.Skip(76).SkipLast(1)));

        // Encoding what was decoded gives the same ids, so the prompt names what it loses as a pipeline does.
        var prompt = Tokenizers.Clip.Tokenize(Tokenizers.Clip.Decode(ids, skipSpecialTokens: true));
        Assert.Equal(entry.GetProperty("cut_off").GetString(), prompt.Truncated ?? "");
    }

    private static int[] Framed(ClipTokenizer tokenizer, JsonElement entry) =>
        [tokenizer.BosTokenId, .. tokenizer.Encode(ReferenceCases.Text(entry)), tokenizer.EosTokenId];
}
