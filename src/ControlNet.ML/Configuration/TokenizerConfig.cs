using System.Text.Json;

namespace ControlNet.ML.Configuration;

/// <summary>What is used of a CLIP tokenizer's <c>tokenizer_config.json</c>. Names and defaults are transformers' <c>CLIPTokenizer</c>'s.</summary>
public sealed record TokenizerConfig
{
    private const string Start = "<|startoftext|>";
    private const string End = "<|endoftext|>";

    // Tokens are words and parts of words; a text beyond this is a mistake, or malice.
    private const int LongestToken = 1000;

    /// <summary>CLIP's tokens and length.</summary>
    public TokenizerConfig()
    {
    }

    private TokenizerConfig(ConfigReader reader)
    {
        TokenizerClass = reader.TextOrNull("tokenizer_class") ?? TokenizerClass;
        BosToken = Token(reader, "bos_token", BosToken);
        EosToken = Token(reader, "eos_token", EosToken);
        UnkToken = Token(reader, "unk_token", UnkToken);
        PadToken = Token(reader, "pad_token", PadToken);
        AddPrefixSpace = reader.Flag("add_prefix_space", AddPrefixSpace);
        ModelMaxLength = Length(reader);
        reader.Ignore("added_tokens_decoder", "additional_special_tokens", "backend", "clean_up_tokenization_spaces", "do_lower_case", "errors");
        reader.Ignore("extra_special_tokens", "is_local", "local_files_only", "name_or_path", "processor_class", "special_tokens_map_file", "use_fast");
        Warnings = reader.Warnings();
    }

    /// <summary><c>CLIPTokenizer</c> or <c>CLIPTokenizerFast</c>, which give the same ids.</summary>
    public string TokenizerClass { get; init; } = "CLIPTokenizer";

    /// <summary>The start token.</summary>
    public string BosToken { get; init; } = Start;

    /// <summary>The end token.</summary>
    public string EosToken { get; init; } = End;

    /// <summary>The token for what is not in the vocabulary.</summary>
    public string UnkToken { get; init; } = End;

    /// <summary>The padding token: the end token, but <c>!</c> in SD2 and in SDXL's second tokenizer.</summary>
    public string PadToken { get; init; } = End;

    /// <summary>A space is put before the prompt.</summary>
    public bool AddPrefixSpace { get; init; }

    /// <summary>The longest prompt in tokens, start and end included; null if the file sets no limit.</summary>
    public int? ModelMaxLength { get; init; } = 77;

    /// <summary>What was read but not understood, for the log.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Reads <c>tokenizer/tokenizer_config.json</c>.</summary>
    /// <param name="json">The file's bytes.</param>
    /// <param name="source">The file's name for messages.</param>
    /// <exception cref="ControlNetException">Something is wrong with it; the message says what, where and what was expected.</exception>
    public static TokenizerConfig Parse(ReadOnlySpan<byte> json, string source)
    {
        var config = new TokenizerConfig(ConfigReader.Parse(json, source));
        new ConfigRules(source).OneOf("tokenizer_class", config.TokenizerClass, "CLIPTokenizer", "CLIPTokenizerFast");
        new ConfigRules(source).Range("model_max_length", config.ModelMaxLength ?? 77, 3, 1 << 16);
        return config;
    }

    /// <summary>A token is its text, or an object whose <c>content</c> is.</summary>
    private static string Token(ConfigReader reader, string key, string fallback)
    {
        if (reader.Find(key) is not { ValueKind: not JsonValueKind.Null } value)
            return fallback;
        var content = value.ValueKind == JsonValueKind.Object && value.TryGetProperty("content", out var inner) ? inner : value;
        return content.ValueKind == JsonValueKind.String && JsonText.Text(content, reader.Source) is { Length: > 0 and <= LongestToken } text
            ? text
            : throw reader.Error(key, value, "a token: a text, or an object with 'content'");
    }

    /// <summary>transformers writes 10^30 where there is no limit.</summary>
    private static int? Length(ConfigReader reader)
    {
        const double unlimited = 1e15;
        return reader.NumberOrNull("model_max_length") switch
        {
            null => 77,
            >= unlimited => null,
            _ => reader.Whole("model_max_length", 0),
        };
    }
}
