using Microsoft.ML.Tokenizers;

namespace ControlNet.ML.Text;

/// <summary>A word of a text, or an added token in it.</summary>
/// <param name="Offset">Where it begins, in UTF-16 code units.</param>
/// <param name="Length">Its length in UTF-16 code units.</param>
/// <param name="AddedId">An added token's id; null for a word.</param>
internal readonly record struct TextWord(int Offset, int Length, int? AddedId);

/// <summary>
/// CLIP's pre-tokenization: added tokens, and between them the words of <see cref="ClipWords"/>. White space belongs to neither.
/// </summary>
internal sealed class ClipPreTokenizer(AddedTokens added, ClipTextRules rules) : PreTokenizer
{
    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return PreTokenize(text.AsSpan());
    }

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text)
    {
        var words = new List<TextWord>();
        Split(text, words);
        return words.ConvertAll(word => (word.Offset, word.Length));
    }

    /// <summary>Splits a text whose added tokens are still to be found.</summary>
    public void Split(ReadOnlySpan<char> text, List<TextWord> words) => Split(text, 0, text.Length, words);

    /// <summary>Splits a normalized text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="kept">The added tokens that the text had before normalization.</param>
    /// <param name="words">Receives these, and the words between them.</param>
    public void Split(ReadOnlySpan<char> text, List<TextWord> kept, List<TextWord> words)
    {
        var position = 0;
        foreach (var token in kept)
        {
            SplitBetween(text, position, token.Offset, words);
            words.Add(token);
            position = token.Offset + token.Length;
        }

        SplitBetween(text, position, text.Length, words);
    }

    // The slow rules look for added tokens before normalization only, the fast ones afterwards as well.
    private void SplitBetween(ReadOnlySpan<char> text, int start, int end, List<TextWord> words)
    {
        if (rules == ClipTextRules.Fast)
            Split(text, start, end, words);
        else
            SplitWords(text, start, end, words);
    }

    private void Split(ReadOnlySpan<char> text, int start, int end, List<TextWord> words)
    {
        while (added.TryFind(text[..end], start, out var place, out var token))
        {
            SplitWords(text, start, place, words);
            words.Add(new TextWord(place, token.Length, added.Ids[token]));
            start = place + token.Length;
        }

        SplitWords(text, start, end, words);
    }

    private void SplitWords(ReadOnlySpan<char> text, int start, int end, List<TextWord> words)
    {
        while (ClipWords.TryNext(text[..end], ref start, rules, out var word))
            words.Add(new TextWord(start - word.Length, word.Length, AddedId: null));
    }
}
