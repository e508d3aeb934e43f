namespace ControlNet.ML.Text;

/// <summary>What a tokenizer knows besides its vocabulary and merges; the defaults are those of CLIP-L as Stable Diffusion 1 uses it.</summary>
public sealed record ClipTokenizerOptions
{
    /// <summary>The token before a prompt.</summary>
    /// <value>Default: <c>&lt;|startoftext|&gt;</c>.</value>
    public string BosToken { get; init; } = ClipWords.Start;

    /// <summary>The token after a prompt.</summary>
    /// <value>Default: <c>&lt;|endoftext|&gt;</c>.</value>
    public string EosToken { get; init; } = ClipWords.End;

    /// <summary>The token in place of what the vocabulary lacks.</summary>
    /// <value>Default: <c>&lt;|endoftext|&gt;</c>.</value>
    public string UnknownToken { get; init; } = ClipWords.End;

    /// <summary>The token that fills up to <see cref="MaxLength"/>. Stable Diffusion 2 and the second text encoder of SDXL use <c>!</c>.</summary>
    /// <value>Default: <c>&lt;|endoftext|&gt;</c>.</value>
    public string PadToken { get; init; } = ClipWords.End;

    /// <summary>The number of ids in a tokenized prompt, start and end included.</summary>
    /// <value>Default: 77. At least 3.</value>
    public int MaxLength { get; init; } = 77;

    /// <summary>Further tokens with their ids, found in a text before anything else, with case.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyDictionary<string, int> AddedTokens { get; init; } = new Dictionary<string, int>();

    /// <summary>How texts are cleaned.</summary>
    /// <value>Default: <see cref="ClipTextRules.Slow"/>.</value>
    public ClipTextRules Rules { get; init; } = ClipTextRules.Slow;
}
