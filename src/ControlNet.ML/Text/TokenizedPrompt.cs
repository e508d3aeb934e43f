namespace ControlNet.ML.Text;

/// <summary>A prompt as a text encoder takes it.</summary>
/// <param name="Ids">Start token, prompt, end token and padding: exactly <see cref="ClipTokenizer.MaxLength"/> ids.</param>
/// <param name="Attended">The number of ids before the padding.</param>
/// <param name="Truncated">The end of the prompt that did not fit, decoded as in diffusers' warning; null if everything fit.</param>
public sealed record TokenizedPrompt(IReadOnlyList<int> Ids, int Attended, string? Truncated)
{
    /// <summary>1 for each id before the padding, else 0.</summary>
    public IReadOnlyList<int> AttentionMask { get; } = [.. Enumerable.Range(0, Ids.Count).Select(place => place < Attended ? 1 : 0)];
}
