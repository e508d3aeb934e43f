using ControlNet.ML.Text;

namespace ControlNet.ML.Tests.Text;

public sealed class TokenizerConfigTests : IDisposable
{
    private const string Vocabulary = """{"a": 0, "a</w>": 1, "!": 2, "!</w>": 3, "<|startoftext|>": 4, "<|endoftext|>": 5}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("tokenizer").FullName;

    public TokenizerConfigTests()
    {
        Write("vocab.json", Vocabulary);
        Write("merges.txt", "#version: 0.2\n");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("{}", 50, 50)]
    [InlineData("""{"model_max_length": null}""", 50, 50)]
    [InlineData("""{"model_max_length": 1000000000000000019884624838656}""", 50, 50)]
    [InlineData("""{"model_max_length": 1e30}""", 77, 77)]
    [InlineData("""{"model_max_length": 20}""", 77, 20)]
    public void Length_is_the_file_s_or_the_text_encoder_s(string config, int maxPositions, int expected)
    {
        Write("tokenizer_config.json", config);
        var tokenizer = ClipTokenizer.Load(_folder, maxPositions);
        Assert.Equal(expected, tokenizer.MaxLength);
        Assert.Equal(expected, tokenizer.Tokenize("a").Ids.Count);
        Assert.All(PromptWindows.Cut(tokenizer, new string('!', 200)), window => Assert.Equal(expected, window.Ids.Count));
    }

    [Theory]
    [InlineData("""{"model_max_length": 2}""", "model_max_length")]
    [InlineData("""{"model_max_length": 10.5}""", "model_max_length")]
    [InlineData("""{"model_max_length": "77"}""", "model_max_length")]
    [InlineData("""{"pad_token": 7}""", "pad_token")]
    [InlineData("""{"pad_token": "<pad>"}""", "<pad>")]
    [InlineData("""{"tokenizer_class": "GPT2Tokenizer"}""", "GPT2Tokenizer")]
    [InlineData("""{"padding_side": "left"}""", "'padding_side' is \"left\"; only \"right\" is supported")]
    [InlineData("""{"truncation_side": "left"}""", "'truncation_side'")]
    [InlineData("""{"split_special_tokens": true}""", "'split_special_tokens'")]
    [InlineData("""{"added_tokens_decoder": {"x": {"content": "b"}}}""", "'x'")]
    [InlineData("""{"added_tokens_decoder": {"1": {"content": "b"}}}""", "'a</w>'")]
    [InlineData("""{"bos_token": "\ud800"}""", "tokenizer_config.json")]
    [InlineData("[]", "tokenizer_config.json")]
    public void A_faulty_configuration_is_named(string config, string named)
    {
        Write("tokenizer_config.json", config);
        Assert.Contains(named, Assert.Throws<ControlNetException>(() => ClipTokenizer.Load(_folder)).Message, StringComparison.Ordinal);
    }

    // SD 2's files: older than added_tokens_decoder, with another padding in the second.
    [Fact]
    public void The_special_tokens_map_counts_more_where_the_configuration_lists_no_added_tokens()
    {
        Write("tokenizer_config.json", """{"pad_token": "<|endoftext|>", "eos_token": {"content": "<|endoftext|>"}}""");
        Write("special_tokens_map.json", """{"pad_token": "!"}""");
        Assert.Equal(2, ClipTokenizer.Load(_folder).PadTokenId);
        Assert.Equal([1, 2, 2], ClipTokenizer.Load(_folder).Encode("a!!"));

        Write("tokenizer_config.json", """{"pad_token": "<|endoftext|>", "added_tokens_decoder": {}}""");
        Assert.Equal(5, ClipTokenizer.Load(_folder).PadTokenId);
        Assert.Equal([1, 2, 3], ClipTokenizer.Load(_folder).Encode("a!!"));
    }

    [Fact]
    public void Added_tokens_come_from_either_file()
    {
        Write("added_tokens.json", """{"<x>": 6}""");
        Assert.Equal([1, 6], ClipTokenizer.Load(_folder).Encode("a<x>"));
        Write("tokenizer_config.json", """{"added_tokens_decoder": {"7": {"content": "<y>"}}}""");
        Assert.Equal([1, 7], ClipTokenizer.Load(_folder).Encode("a<y>"));
    }

    [Fact]
    public void A_folder_without_a_tokenizer_says_what_was_expected()
    {
        File.Delete(Path.Combine(_folder, "vocab.json"));
        File.Delete(Path.Combine(_folder, "merges.txt"));
        var error = Assert.Throws<ControlNetException>(() => ClipTokenizer.Load(_folder));
        Assert.Contains("expected vocab.json and merges.txt, or tokenizer.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_byte_order_mark_is_skipped()
    {
        Write("vocab.json", "\uFEFF" + Vocabulary);
        Write("merges.txt", "\uFEFF#version: 0.2\r\n");
        Assert.Equal([1], ClipTokenizer.Load(_folder).Encode("a"));
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);
}
