using System.Buffers;
using System.Globalization;
using System.Text;

namespace ControlNet.ML.Text;

/// <summary>
/// Lower case by Unicode's full mapping, as Python's <c>str.lower()</c>: unlike .NET's, a capital sigma that ends a word
/// becomes ς, and İ becomes i with a dot above.
/// </summary>
internal static class LowerCase
{
    private const int CapitalSigma = 0x3A3;

    // Case_Ignorable beyond the general categories Mn, Me, Cf, Lm and Sk: punctuation inside words.
    private static readonly SearchValues<char> InsideWords =
        SearchValues.Create("'.:\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A");

    /// <summary>The text in lower case.</summary>
    /// <param name="text">Any text; lone surrogates become U+FFFD.</param>
    /// <param name="finalSigma">Whether a capital sigma at the end of a word becomes ς; otherwise it becomes σ everywhere.</param>
    public static string Of(string text, bool finalSigma = true)
    {
        if (Ascii.IsValid(text))
            return text.ToLowerInvariant();

        Rune[] runes = [.. text.EnumerateRunes()];
        var lower = new StringBuilder(text.Length);
        for (var i = 0; i < runes.Length; i++)
        {
            if (runes[i].Value == CapitalSigma)
                lower.Append(finalSigma && EndsWord(runes, i) ? 'ς' : 'σ');
            else if (runes[i].Value == 'İ')
                lower.Append("i\u0307");
            else
                lower.Append(Rune.ToLowerInvariant(runes[i]).ToString());
        }

        return lower.ToString();
    }

    // Final_Sigma of the Unicode Standard, 3.13: a cased letter before, none after, looking through what case ignores.
    private static bool EndsWord(Rune[] runes, int at)
    {
        var before = at - 1;
        while (before >= 0 && IsIgnorable(runes[before]))
            before--;
        var after = at + 1;
        while (after < runes.Length && IsIgnorable(runes[after]))
            after++;
        return before >= 0 && IsCased(runes[before]) && (after == runes.Length || !IsCased(runes[after]));
    }

    private static bool IsIgnorable(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol
        || (rune.IsBmp && InsideWords.Contains((char)rune.Value))
        || rune.Value == 0x1171E; // a nonspacing mark in Unicode 14, a spacing one since

    private static bool IsCased(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        || rune.Value is 0xAA or 0xBA                                          // ordinal indicators
            or (>= 0x2160 and <= 0x217F)                                       // Roman numerals
            or (>= 0x24B6 and <= 0x24E9)                                       // circled letters
            or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189); // squared letters
}
