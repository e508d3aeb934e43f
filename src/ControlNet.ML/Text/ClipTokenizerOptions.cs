namespace ControlNet.ML.Text;

/// <summary>A tokenizer's settings besides its vocabulary and merges. The defaults are those of CLIP-L in Stable Diffusion 1.</summary>
public sealed record ClipTokenizerOptions
{
    /// <summary>The start token.</summary>
    /// <value>Default: <c>&lt;|startoftext|&gt;</c>.</value>
    public string BosToken { get; init; } = ClipWords.Start;

    /// <summary>The end token.</summary>
    /// <value>Default: <c>&lt;|endoftext|&gt;</c>.</value>
    public string EosToken { get; init; } = ClipWords.End;

    /// <summary>The token for symbols that the vocabulary lacks.</summary>
    /// <value>Default: <c>&lt;|endoftext|&gt;</c>.</value>
    public string UnknownToken { get; init; } = ClipWords.End;

    /// <summary>
    /// The padding token, up to <see cref="MaxLength"/>. Stable Diffusion 2 and the second text encoder of SDXL use <c>!</c>.
    /// </summary>
    /// <value>Default: <c>&lt;|endoftext|&gt;</c>.</value>
    public string PadToken { get; init; } = ClipWords.End;

    /// <summary>The number of ids in a tokenized prompt, start and end included.</summary>
    /// <value>Default: 77. At least 3.</value>
    public int MaxLength { get; init; } = 77;

    /// <summary>Additional tokens with their ids, matched case-sensitively before a text is cleaned.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyDictionary<string, int> AddedTokens { get; init; } = new Dictionary<string, int>();

    /// <summary>Which reference's rules apply.</summary>
    /// <value>Default: <see cref="ClipTextRules.Slow"/>.</value>
    public ClipTextRules Rules { get; init; } = ClipTextRules.Slow;
}
