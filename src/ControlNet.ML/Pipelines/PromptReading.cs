using ControlNet.ML.Text;

namespace ControlNet.ML.Pipelines;

/// <summary>How prompts are read.</summary>
/// <param name="Syntax">What brackets mean.</param>
/// <param name="Long">What becomes of long prompts.</param>
internal readonly record struct PromptReading(PromptSyntax Syntax, LongPrompts Long)
{
    /// <summary>The maximum number of windows; more are taken for a mistake, such as a whole file for a prompt.</summary>
    public const int MaxWindows = 100;

    /// <summary>Checks that the values are defined.</summary>
    /// <returns>The problem, or null.</returns>
    public string? Validate()
    {
        if (!Enum.IsDefined(Syntax))
            return $"The prompt syntax is {Syntax}, expected {Message.Choice(PromptSyntaxNames.All)}.";
        return Enum.IsDefined(Long) ? null : $"{nameof(LongPrompts)} is {Long}, expected {Message.Choice(Enum.GetNames<LongPrompts>())}.";
    }

    /// <summary>A prompt's windows for each text encoder, as many for each.</summary>
    /// <param name="tokenizers">The tokenizer of each text encoder.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="warnings">Receives a warning that quotes what was cut, if anything was.</param>
    /// <returns>Windows of the first encoder, and of the second.</returns>
    /// <exception cref="ControlNetException">There are too many windows, or a weight is too large for a number.</exception>
    public IReadOnlyList<PromptWindow>[] Cut(IReadOnlyList<ClipTokenizer> tokenizers, string prompt, ICollection<string>? warnings = null)
    {
        IReadOnlyList<WeightedText> parts = Syntax == PromptSyntax.Weighted ? PromptWeights.Parse(prompt) : [new WeightedText(prompt, 1)];
        var windows = tokenizers.Select(tokenizer => PromptWindows.Cut(tokenizer, parts)).ToArray();
        if (Long == LongPrompts.Truncate)
        {
            if (Array.FindIndex(windows, all => all.Count > 1) is >= 0 and var longer)
                warnings?.Add(Truncated(tokenizers[longer], windows[longer].Skip(1)));
            return Array.ConvertAll(windows, all => (IReadOnlyList<PromptWindow>)[all[0]]);
        }

        // The encoders' tokenizers may count differently: where '!' is the padding, '!!' is two tokens.
        var count = windows.Max(all => all.Count);
        return count <= MaxWindows
            ? [.. windows.Zip(tokenizers, (all, tokenizer) => Padded(tokenizer, all, count))]
            : throw new ControlNetException(
                $"The prompt {Message.Name(prompt)} has {count:N0} windows of {tokenizers[0].MaxLength - 2} tokens, expected at most "
                    + $"{MaxWindows}.");
    }

    private static IReadOnlyList<PromptWindow> Padded(ClipTokenizer tokenizer, IReadOnlyList<PromptWindow> windows, int count) =>
        windows.Count == count
            ? windows
            : [.. windows, .. Enumerable.Repeat(PromptWindows.Cut(tokenizer, "")[0], count - windows.Count)];

    private static string Truncated(ClipTokenizer tokenizer, IEnumerable<PromptWindow> rest) =>
        $"The prompt is longer than the {tokenizer.MaxLength - 2} tokens that the text encoder takes; left out: "
            + $"{Message.Name(tokenizer.Decode(rest.SelectMany(window => window.Text)).Trim())}.";
}
