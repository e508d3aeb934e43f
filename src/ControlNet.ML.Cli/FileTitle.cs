using System.Globalization;
using System.Text;

namespace ControlNet.ML.Cli;

/// <summary>File names made from prompts.</summary>
internal static class FileTitle
{
    private const int LongestLetters = 40;

    // With suffixes and the extension, a name stays within the 255 bytes that file systems allow.
    private const int LongestBytes = 160;

    private static readonly HashSet<string> Devices =
    [
        "con", "prn", "aux", "nul", .. Enumerable.Range(0, 10).SelectMany(n => new[] { $"com{n}", $"lpt{n}" }),
    ];

    /// <summary>
    /// A name of letters and digits of any script, in lower case, with a dash for everything between them: safe on every file system and in
    /// every shell.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <returns>The name, at most 40 characters as people count them; <c>image</c> if the text has no letters.</returns>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var name = new StringBuilder();
        var (letters, bytes, gap) = (0, 0, false);
        foreach (var element in Elements(text))
        {
            var kept = Kept(element);
            if (kept.Length == 0)
            {
                gap = true;
                continue;
            }

            var next = gap && name.Length > 0 ? $"-{kept}" : kept;
            gap = false;
            letters += next.Length == kept.Length ? 1 : 2;
            bytes += Encoding.UTF8.GetByteCount(next);
            if (letters > LongestLetters || bytes > LongestBytes)
                break;
            name.Append(next);
        }

        var made = name.ToString();
        return made.Length == 0 ? "image" : Devices.Contains(made) ? $"{made}-image" : made;
    }

    /// <summary>Characters as people count them: a letter with its marks is one, and never cut in two.</summary>
    private static IEnumerable<string> Elements(string text)
    {
        for (var elements = StringInfo.GetTextElementEnumerator(text); elements.MoveNext();)
            yield return elements.GetTextElement();
    }

    /// <summary>A letter or digit in lower case with its marks; empty for anything else.</summary>
    private static string Kept(string element)
    {
        var kept = new StringBuilder();
        foreach (var rune in element.EnumerateRunes())
        {
            // Marks have no meaning without a letter; invisible joiners are dropped.
            if (Rune.IsLetterOrDigit(rune) || (kept.Length > 0 && IsMark(rune)))
                kept.Append(Rune.ToLowerInvariant(rune));
        }

        return kept.ToString();
    }

    private static bool IsMark(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;
}
