using System.Globalization;
using System.Text;

namespace ControlNet.ML.Text;

/// <summary>
/// Splits a text into CLIP's words. Written out from the pattern
/// <c>&lt;\|startoftext\|&gt;|&lt;\|endoftext\|&gt;|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+</c>,
/// so that no regular expression, ours or a file's, ever runs on a prompt.
/// </summary>
internal static class ClipWords
{
    /// <summary>The start and end tokens as the pattern knows them, whatever the tokenizer calls its own.</summary>
    public const string Start = "<|startoftext|>", End = "<|endoftext|>";

    private static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    private enum Kind
    {
        Space,
        Letter,
        Number,
        Other,
    }

    /// <summary>Finds the next word at or after a position and moves the position past it; false if only white space is left.</summary>
    /// <param name="text">A cleaned text, in lower case.</param>
    /// <param name="position">The position, in UTF-16 code units.</param>
    /// <param name="rules">
    /// The slow pattern ignores case, which in lower case leaves ſ for s, and knows the special tokens; the fast one does not.
    /// </param>
    /// <param name="word">The word.</param>
    public static bool TryNext(ReadOnlySpan<char> text, ref int position, ClipTextRules rules, out ReadOnlySpan<char> word)
    {
        var (kind, length) = (Kind.Space, 0);
        while (position < text.Length && (kind = KindAt(text[position..], out length)) == Kind.Space)
            position += length;
        word = default;
        if (position >= text.Length)
            return false;

        var rest = text[position..];
        var end = SpecialLength(rest, rules);
        if (end == 0)
        {
            end = length;
            while (kind != Kind.Number && end < rest.Length && KindAt(rest[end..], out length) == kind)
                end += length;
        }

        word = rest[..end];
        position += end;
        return true;
    }

    // The pattern's literal alternatives, which come before its classes: 0 if none stands here.
    private static int SpecialLength(ReadOnlySpan<char> rest, ClipTextRules rules)
    {
        if (rest[0] == '<' && rules == ClipTextRules.Slow)
            return StartsWith(rest, Start, rules) ? Start.Length : StartsWith(rest, End, rules) ? End.Length : 0;
        if (rest[0] == '\'')
        {
            foreach (var contraction in Contractions)
            {
                if (StartsWith(rest, contraction, rules))
                    return contraction.Length;
            }
        }

        return 0;
    }

    private static bool StartsWith(ReadOnlySpan<char> rest, string literal, ClipTextRules rules)
    {
        if (rest.Length < literal.Length)
            return false;
        for (var i = 0; i < literal.Length; i++)
        {
            if (rest[i] != literal[i] && !(rules == ClipTextRules.Slow && rest[i] == 'ſ' && literal[i] == 's'))
                return false;
        }

        return true;
    }

    private static Kind KindAt(ReadOnlySpan<char> text, out int length)
    {
        Rune.DecodeFromUtf16(text, out var rune, out length);
        if (Rune.IsWhiteSpace(rune))
            return Kind.Space;
        return Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Kind.Other,
        };
    }
}
