using System.Text;
using ControlNet.ML.Text;

namespace ControlNet.ML.Fuzz.Targets;

/// <summary>Tokenizers and prompts.</summary>
internal static class TextTargets
{
    private static readonly byte[][] Prompts =
    [
        .. new[] { "a photo of an astronaut", "(a:1.3) [b] ((c)) \\(d\\)", "(((((x:0)))):-2.5", "a BREAK (b BREAK c:1.2) BREAKFAST", "\ud83d\udc2f \u00c9t\u00e9 e\u0301 \u0130\u4e2d\u6587 <|endoftext|> <|startoftext|>", "it's 12 o'clock, they'll've", "  \t\n " }.Select(Encoding.UTF8.GetBytes),
    ];

    /// <summary>The readers.</summary>
    public static IEnumerable<Reader> All(Workplace folder)
    {
        var (vocabulary, merges) = (File("vocab.json"), File("merges.txt"));
        yield return new Reader("vocabulary", [vocabulary], input => Use(ClipTokenizer.Create(new MemoryStream(input), new MemoryStream(merges)))) { IsJson = true };
        yield return new Reader("merges", [merges], input => Use(ClipTokenizer.Create(new MemoryStream(vocabulary), new MemoryStream(input))));

        var plain = folder.Copy(Workplace.FixturePath("models", "sd1", "tokenizer"), "tokenizer");
        yield return InFolder(plain, "tokenizer_config.json", File("tokenizer_config.json"));

        // Read only where the configuration lists no tokens.
        var old = folder.Copy(Workplace.FixturePath("models", "sd1", "tokenizer"), "old-tokenizer");
        System.IO.File.Delete(Path.Combine(old, "tokenizer_config.json"));
        yield return InFolder(old, "special_tokens_map.json", File("special_tokens_map.json"));
        yield return InFolder(old, "added_tokens.json", "{\"<a>\": 1000, \"<b>\": 1001}"u8.ToArray());
        yield return InFolder(folder.Fresh("single"), "tokenizer.json", """
            {"added_tokens":[{"id":3,"content":"<|startoftext|>"},{"id":4,"content":"<|endoftext|>"}],
             "normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "},{"type":"Lowercase"}]},
             "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"},"behavior":"Removed","invert":true},{"type":"ByteLevel","add_prefix_space":false}]},
             "model":{"type":"BPE","unk_token":"<|endoftext|>","continuing_subword_prefix":"","end_of_word_suffix":"</w>","vocab":{"a":0,"b</w>":1,"ab</w>":2,"<|startoftext|>":3,"<|endoftext|>":4},"merges":["a b</w>"]}}
            """u8.ToArray());

        var tokenizer = ClipTokenizer.Load(Workplace.FixturePath("models", "sd1", "tokenizer"));
        yield return new Reader("prompt", Prompts, input => Use(tokenizer, Encoding.UTF8.GetString(input))) { Words = ["<|endoftext|>", "'s", "(a:1.1)"], Refuses = _ => false };
        yield return new Reader("prompt-weights", Prompts, input => PromptWindows.CutWeighted(tokenizer, Encoding.UTF8.GetString(input))) { Words = ["(", ")", "[", "]", ":1.5)", "\\(", ":-", ":1e5)", "BREAK", "\\\\"] };
    }

    private static byte[] File(string name) => Workplace.Fixture("models", "sd1", "tokenizer", name);

    private static Reader InFolder(string folder, string name, byte[] seed) => new(
        name.Replace(".json", "", StringComparison.Ordinal).Replace('_', '-'),
        [seed],
        input =>
        {
            var path = Path.Combine(folder, name);
            System.IO.File.WriteAllBytes(path, input);
            try
            {
                Use(ClipTokenizer.Load(folder));
            }
            finally
            {
                System.IO.File.WriteAllBytes(path, seed);
            }
        })
    { IsJson = true, Words = ["CLIPTokenizer", "added_tokens_decoder", "model_max_length", "content", "BPE", "merges", "vocab"] };

    private static void Use(ClipTokenizer tokenizer, string text = "a photo of a cat's \ud83d\udc2f (x) 12")
    {
        _ = tokenizer.Tokenize(text);
        _ = tokenizer.Decode(tokenizer.Encode(text), new char[16], out _, out _);
        _ = tokenizer.EncodeToTokens(text, out _, considerPreTokenization: false, considerNormalization: false);
        _ = tokenizer.GetIndexByTokenCount(text, 5, out _, out _, considerNormalization: false);
        _ = PromptWindows.Cut(tokenizer, text);
    }
}
