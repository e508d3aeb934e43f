using System.Globalization;
using System.Text;

namespace ControlNet.ML.Text;

/// <summary>
/// CLIP's cleaning of a text before it is split into words. White space is not collapsed: the splitting skips every run of it.
/// </summary>
internal static class ClipTextCleaner
{
    /// <summary>Returns the text composed and in lower case, by the slow rules also without invisible characters.</summary>
    public static string Clean(string text, ClipTextRules rules) =>
        rules == ClipTextRules.Fast
            ? LowerCase.Of(CanonicalComposition.Compose(text), finalSigma: false)
            : LowerCase.Of(CanonicalComposition.Compose(DropInvisible(text)));

    // BERT's text cleaning, by Unicode 14: removes controls, format characters, surrogates, private use and unassigned code points,
    // turns separators into spaces, and puts spaces around CJK ideographs.
    private static string DropInvisible(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return text;

        var kept = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            // A lone surrogate is dropped like any other control; as a rune it would be U+FFFD, and dropped as well.
            if (Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out var length) != System.Buffers.OperationStatus.Done)
                continue;
            i += length - 1;

            var character = text.AsSpan(i - length + 1, length);
            if (rune.Value is '\t' or '\n' or '\r' || IsSeparator(rune))
                kept.Append(' ');
            else if (IsInvisible(rune))
                continue;
            else if (IsIdeograph(rune.Value))
                kept.Append(' ').Append(character).Append(' ');
            else
                kept.Append(character);
        }

        return kept.ToString();
    }

    private static bool IsSeparator(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    private static bool IsInvisible(Rune rune) =>
        rune.Value == 0xFFFD
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse
        || !Unicode14.IsAssigned(rune.Value);

    // The CJK unified and compatibility ideographs as BERT's tokenizer lists them: extensions A to E.
    private static bool IsIdeograph(int codePoint) =>
        codePoint is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F)
            or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B820 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
}
