using System.Globalization;
using System.Runtime.InteropServices;

namespace ControlNet.ML.Text;

/// <summary>
/// What CLIP's reference tokenizer takes from Unicode 14.0.0 and .NET cannot give: .NET's own data are newer, and
/// <see cref="string.Normalize()"/> does nothing in programs with invariant globalization.
/// </summary>
internal static class Unicode14
{
    private const int HangulSyllables = 0xAC00, Leading = 0x1100, Vowels = 0x1161, Trailing = 0x11A7;
    private const int LeadingCount = 19, VowelCount = 21, TrailingCount = 28;
    private const int SyllableCount = LeadingCount * VowelCount * TrailingCount;

    private static readonly List<(int First, int Last)> Unassigned = [];
    private static readonly Dictionary<int, int> Classes = [];
    private static readonly Dictionary<int, (int First, int Second)> Decompositions = [];
    private static readonly Dictionary<(int First, int Second), int> Compositions = [];

    static Unicode14()
    {
        using var stream = typeof(Unicode14).Assembly.GetManifestResourceStream("ControlNet.ML.Text.unicode-14.txt")!;
        using var reader = new StreamReader(stream);
        Action<string> read = _ => { };
        while (reader.ReadLine() is { } line)
        {
            if (line is ['[', .. var section, ']'])
                read = section switch { "unassigned" => ReadUnassigned, "combining" => ReadCombining, _ => ReadCanonical };
            else if (line is not ['#', ..])
                Array.ForEach(line.Split(' ', StringSplitOptions.RemoveEmptyEntries), read);
        }
    }

    /// <summary>Whether Unicode 14 has a character (or surrogate, or private use) at a code point.</summary>
    public static bool IsAssigned(int codePoint)
    {
        var ranges = CollectionsMarshal.AsSpan(Unassigned);
        var at = ranges.BinarySearch((codePoint, int.MaxValue));
        var before = (at < 0 ? ~at : at) - 1;
        return before < 0 || codePoint > ranges[before].Last;
    }

    /// <summary>The canonical combining class: 0 for starters.</summary>
    public static int CombiningClass(int codePoint) => codePoint < 0x300 ? 0 : Classes.GetValueOrDefault(codePoint);

    /// <summary>One step of canonical decomposition; the second part is 0 where a character maps to one other.</summary>
    public static bool TryDecompose(int codePoint, out int first, out int second)
    {
        var syllable = codePoint - HangulSyllables;
        if (syllable is >= 0 and < SyllableCount)
        {
            var trailing = syllable % TrailingCount;
            (first, second) = trailing > 0
                ? (codePoint - trailing, Trailing + trailing)
                : (Leading + (syllable / (VowelCount * TrailingCount)), Vowels + (syllable / TrailingCount % VowelCount));
            return true;
        }

        var found = Decompositions.TryGetValue(codePoint, out var parts);
        (first, second) = parts;
        return found;
    }

    /// <summary>The primary composite of two code points.</summary>
    public static bool TryCompose(int first, int second, out int composite)
    {
        if (first - Leading is >= 0 and < LeadingCount && second - Vowels is >= 0 and < VowelCount)
        {
            composite = HangulSyllables + ((((first - Leading) * VowelCount) + second - Vowels) * TrailingCount);
            return true;
        }

        if (first - HangulSyllables is >= 0 and < SyllableCount && (first - HangulSyllables) % TrailingCount == 0
            && second - Trailing is > 0 and < TrailingCount)
        {
            composite = first + second - Trailing;
            return true;
        }

        return Compositions.TryGetValue((first, second), out composite);
    }

    private static void ReadUnassigned(string entry) => Unassigned.Add(Range(entry));

    private static void ReadCombining(string entry)
    {
        var equals = entry.IndexOf('=');
        var (first, last) = Range(entry[..equals]);
        for (var codePoint = first; codePoint <= last; codePoint++)
            Classes[codePoint] = int.Parse(entry.AsSpan(equals + 1), CultureInfo.InvariantCulture);
    }

    private static void ReadCanonical(string entry)
    {
        var equals = entry.IndexOf('=');
        var (whole, parts) = (Hex(entry[..equals]), entry[(equals + 1)..].TrimEnd('!').Split('+'));
        var pair = (Hex(parts[0]), parts.Length > 1 ? Hex(parts[1]) : 0);
        Decompositions[whole] = pair;
        if (!entry.EndsWith('!'))
            Compositions[pair] = whole;
    }

    private static (int First, int Last) Range(string entry)
    {
        var ends = entry.Split('-');
        return (Hex(ends[0]), Hex(ends[^1]));
    }

    private static int Hex(string digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
