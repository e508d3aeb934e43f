namespace ControlNet.ML.Text;

/// <summary>A text and its tokens.</summary>
/// <param name="Text">The text that the tokens' places refer to: normalized, or as it was given.</param>
/// <param name="Pieces">The tokens in order.</param>
internal sealed record EncodedText(string Text, List<TextPiece> Pieces)
{
    /// <summary>The text's end behind the first tokens: all of it behind the last, for white space has none.</summary>
    public int EndOf(int count) => count == Pieces.Count ? Text.Length : count == 0 ? 0 : Pieces[count - 1].End;

    /// <summary>The place where the last tokens begin: 0 for all of them.</summary>
    public int StartOf(int count) => count == Pieces.Count ? 0 : count == 0 ? Text.Length : Pieces[^count].Start;

    /// <summary>How many tokens, from the first, are whole words and no more than a maximum.</summary>
    public int CountWords(int max)
    {
        var count = Math.Min(max, Pieces.Count);
        while (count > 0 && !Pieces[count - 1].EndsWord)
            count--;
        return count;
    }

    /// <summary>The same, from the last.</summary>
    public int CountWordsFromEnd(int max)
    {
        var first = Math.Max(0, Pieces.Count - max);
        while (first > 0 && first < Pieces.Count && !Pieces[first - 1].EndsWord)
            first++;
        return Pieces.Count - first;
    }
}
