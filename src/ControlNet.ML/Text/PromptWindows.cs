namespace ControlNet.ML.Text;

/// <summary>One window of a long prompt.</summary>
/// <param name="Ids">
/// Start token, a stretch of the prompt, end token and padding: exactly <see cref="ClipTokenizer.MaxLength"/> ids.
/// </param>
/// <param name="Weights">A weight for each id; 1 for start, end and padding.</param>
public sealed record PromptWindow(IReadOnlyList<int> Ids, IReadOnlyList<double> Weights)
{
    /// <summary>The ids of the stretch alone, without start, end and padding.</summary>
    internal IEnumerable<int> Text => Ids.Skip(1).Take(TextLength);

    /// <summary>The number of ids of the stretch.</summary>
    internal int TextLength { get; init; }

    /// <summary>Whether an id has another weight than 1.</summary>
    internal bool IsWeighted => Weights.Any(weight => weight != 1);
}

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

    /// <summary>A prompt with weights (<see cref="PromptWeights"/>) in windows, of which <c>BREAK</c> ends one early.</summary>
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
        List<PromptWindow> windows = [];
        List<(int Id, double Weight)> stretch = [];
        foreach (var part in parts)
        {
            foreach (var id in tokenizer.Encode(part.Text))
            {
                if (stretch.Count == tokenizer.MaxLength - 2)
                    EndWindow();
                stretch.Add((id, part.Weight));
            }

            if (part.EndsWindow)
                EndWindow();
        }

        if (stretch.Count > 0 || windows.Count == 0)
            EndWindow();
        return windows;

        void EndWindow()
        {
            windows.Add(Window(tokenizer, stretch));
            stretch.Clear();
        }
    }

    private static PromptWindow Window(ClipTokenizer tokenizer, List<(int Id, double Weight)> stretch)
    {
        var weights = new double[tokenizer.MaxLength];
        Array.Fill(weights, 1);
        for (var i = 0; i < stretch.Count; i++)
            weights[i + 1] = stretch[i].Weight;
        return new PromptWindow(tokenizer.Frame(stretch.Select(entry => entry.Id)), weights) { TextLength = stretch.Count };
    }
}
