using ControlNet.ML.Text;

namespace ControlNet.ML.Tests.Text;

/// <summary>The tokenizers that the tests share. CLIP's vocabulary is the fixtures' own or, where they lack it, this checkout's.</summary>
internal static class Tokenizers
{
    private static readonly Lazy<ClipTokenizer> LazyClip = new(() => CreateClip(new ClipTokenizerOptions()));
    private static readonly Lazy<ClipTokenizer> LazyBang = new(() => CreateClip(new ClipTokenizerOptions { PadToken = "!" }));
    private static readonly Lazy<ClipTokenizer> LazyFast = new(() => CreateClip(new ClipTokenizerOptions { Rules = ClipTextRules.Fast }));

    /// <summary>CLIP-L, padded with the end token.</summary>
    public static ClipTokenizer Clip => LazyClip.Value;

    /// <summary>The same with "!" for padding.</summary>
    public static ClipTokenizer Bang => LazyBang.Value;

    /// <summary>The same by the rules of tokenizer.json.</summary>
    public static ClipTokenizer Fast => LazyFast.Value;

    public static string ClipFolder { get; } = Fixtures.Has("text", "clip", "vocab.json")
        ? Fixtures.Path("text", "clip")
        : Path.Combine(Fixtures.Checkout, "tests", "fixtures", "text", "clip");

    /// <summary>A tokenizer of the given tokens (ids in order, start and end appended) and merges.</summary>
    public static ClipTokenizer Tiny(IEnumerable<string> tokens, IEnumerable<string> merges, ClipTokenizerOptions? options = null)
    {
        string[] all = [.. tokens, "<|startoftext|>", "<|endoftext|>"];
        using var vocabulary = new MemoryStream(System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(
            all.Select((token, id) => (token, id)).ToDictionary(entry => entry.token, entry => entry.id)));
        using var lines = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', ["#version: 0.2", .. merges])));
        return ClipTokenizer.Create(vocabulary, lines, options, "tiny");
    }

    private static ClipTokenizer CreateClip(ClipTokenizerOptions options)
    {
        using var vocabulary = File.OpenRead(Path.Combine(ClipFolder, "vocab.json"));
        using var merges = File.OpenRead(Path.Combine(ClipFolder, "merges.txt"));
        return ClipTokenizer.Create(vocabulary, merges, options, ClipFolder);
    }
}
