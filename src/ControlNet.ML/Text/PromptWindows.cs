namespace ControlNet.ML.Text;

/// <summary>One window of a long prompt.</summary>
/// <param name="Ids">
/// Start token, a stretch of the prompt, end token and padding: exactly <see cref="ClipTokenizer.MaxLength"/> ids.
/// </param>
/// <param name="Weights">A weight for each id; 1 for start, end and padding.</param>
public sealed record PromptWindow(IReadOnlyList<int> Ids, IReadOnlyList<double> Weights);

/// <summary>
/// Prompts of any length, as windows of <see cref="ClipTokenizer.MaxLength"/> − 2 = 75 ids that the text encoder takes one by one.
/// Windows are cut where they are full; no attempt is made to cut at commas.
/// </summary>
public static class PromptWindows
{
    /// <summary>A prompt in windows, every id with weight 1.</summary>
    /// <param name="tokenizer">The text encoder's tokenizer.</param>
    /// <param name="prompt">The prompt, brackets and all taken as text. An empty one gives one empty window.</param>
    /// <returns>At least one window.</returns>
    public static IReadOnlyList<PromptWindow> Cut(ClipTokenizer tokenizer, string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return Cut(tokenizer, [new WeightedText(prompt, 1)]);
    }

    /// <summary>A prompt with weights (<see cref="PromptWeights"/>) in windows.</summary>
    /// <param name="tokenizer">The text encoder's tokenizer.</param>
    /// <param name="prompt">The prompt. An empty one gives one empty window.</param>
    /// <returns>At least one window.</returns>
    /// <exception cref="ControlNetException">A weight is too large for a number.</exception>
    public static IReadOnlyList<PromptWindow> CutWeighted(ClipTokenizer tokenizer, string prompt) =>
        Cut(tokenizer, PromptWeights.Parse(prompt));

    /// <summary>Parts of a prompt in windows; each part is tokenized on its own.</summary>
    /// <param name="tokenizer">The text encoder's tokenizer.</param>
    /// <param name="parts">The parts in order.</param>
    /// <returns>At least one window.</returns>
    public static IReadOnlyList<PromptWindow> Cut(ClipTokenizer tokenizer, IReadOnlyList<WeightedText> parts)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(parts);
        (int Id, double Weight)[] ids = [.. parts.SelectMany(part => tokenizer.Encode(part.Text).Select(id => (id, part.Weight)))];
        return ids.Length == 0
            ? [Window(tokenizer, [])]
            : [.. ids.Chunk(tokenizer.MaxLength - 2).Select(stretch => Window(tokenizer, stretch))];
    }

    private static PromptWindow Window(ClipTokenizer tokenizer, (int Id, double Weight)[] stretch)
    {
        var weights = new double[tokenizer.MaxLength];
        Array.Fill(weights, 1);
        for (var i = 0; i < stretch.Length; i++)
            weights[i + 1] = stretch[i].Weight;
        return new PromptWindow(tokenizer.Frame(stretch.Select(entry => entry.Id)), weights);
    }
}
