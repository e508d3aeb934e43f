namespace ControlNet.ML.Text;

/// <summary>From text to tokens: normalization, pre-tokenization, byte pair encoding.</summary>
internal sealed class ClipEncoder(
    IReadOnlyDictionary<string, int> vocabulary, BytePairEncoding encoding, AddedTokens added, int unknownId)
{
    public ClipNormalizer Normalizer { get; } = new(added, encoding.Rules);

    public ClipPreTokenizer PreTokenizer { get; } = new(added, encoding.Rules);

    /// <summary>A text's tokens, without start and end token. Any text has some, or none if it is white space.</summary>
    /// <param name="text">The text.</param>
    /// <param name="normalize">Whether to normalize it first; otherwise it is taken as it stands.</param>
    /// <param name="split">Whether to split it; otherwise it is one word, or one added token.</param>
    public EncodedText Encode(string text, bool normalize, bool split)
    {
        var kept = new List<TextWord>();
        var words = new List<TextWord>();
        var normalized = normalize ? Normalizer.Normalize(text, kept) : text;
        if (!split)
            AddWhole(normalized, words);
        else if (normalize)
            PreTokenizer.Split(normalized, kept, words);
        else
            PreTokenizer.Split(normalized, words);

        var pieces = new List<TextPiece>(words.Count + (words.Count / 2));
        var workspace = encoding.CreateWorkspace();
        foreach (var word in words)
        {
            var characters = normalized.AsSpan(word.Offset, word.Length);
            if ((word.AddedId ?? FindInPattern(characters)) is { } id)
                pieces.Add(new TextPiece(id, word.Offset, word.Offset + word.Length, EndsWord: true));
            else
                workspace.Append(characters, word.Offset, unknownId, pieces);
        }

        return new EncodedText(normalized, pieces);
    }

    // In capitals, these two were no special tokens before normalization; the pattern finds them in lower case.
    private int? FindInPattern(ReadOnlySpan<char> word) =>
        word is ClipWords.Start or ClipWords.End && vocabulary.TryGetValue(word.ToString(), out var id) ? id : null;

    private void AddWhole(string text, List<TextWord> words)
    {
        if (text.Length > 0)
            words.Add(new TextWord(0, text.Length, added.Ids.TryGetValue(text, out var id) ? id : null));
    }
}
