using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ControlNet.ML.Internal;

/// <summary>
/// Formats the parts of messages. Names and texts come from files and command lines, so they are shortened, and characters that would
/// control a terminal or reverse a line are escaped before they reach a terminal or log.
/// </summary>
internal static partial class Message
{
    private const int LongestName = 100;
    private const int LongestLine = 10_000;
    private const int LongestList = 8;

    /// <summary>A name in single quotes, at most 100 characters of it.</summary>
    public static string Name(string name) => $"'{Escape(Start(name, LongestName))}'";

    /// <summary>A whole message: one line, at most 10,000 characters of it.</summary>
    public static string Line(string text) => Escape(Start(text, LongestLine));

    /// <summary>A text with control characters and the like escaped as <c>\u001b</c>, as in JSON.</summary>
    /// <param name="text">The text.</param>
    /// <param name="keepLines">Whether line breaks are kept.</param>
    public static string Escape(string text, bool keepLines = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        StringBuilder? escaped = null;
        for (var i = 0; i < text.Length; i++)
        {
            var isPair = char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]);
            var length = isPair ? 2 : 1;
            if ((isPair ? IsTag(text[i], text[i + 1]) : Steers(text[i])) && !(keepLines && text[i] == '\n'))
            {
                escaped ??= new StringBuilder(text, 0, i, text.Length + 64);
                foreach (var character in text.AsSpan(i, length))
                    escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            }
            else
            {
                escaped?.Append(text, i, length);
            }

            i += length - 1;
        }

        return escaped?.ToString() ?? text;
    }

    /// <summary>
    /// Whether a character is not printable: controls (C0, DEL, C1), line and paragraph separators, bidirectional marks and the byte order
    /// mark; and an unpaired surrogate.
    /// </summary>
    private static bool Steers(char character) => char.IsControl(character) || char.IsSurrogate(character)
        || character is '\u061c' or '\u200e' or '\u200f' or (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069')
            or '\ufeff' or (>= '\ufff9' and <= '\ufffb');

    /// <summary>Whether a surrogate pair is one of the invisible tag characters, U+E0000 to U+E007F.</summary>
    private static bool IsTag(char high, char low) => char.ConvertToUtf32(high, low) is >= 0xE0000 and <= 0xE007F;

    [GeneratedRegex(@" \(Parameter '[^']*'\)")]
    private static partial Regex ParameterSuffix();

    private static string Start(string text, int longest) => text.Length <= longest
        ? text
        : $"{text.AsSpan(0, char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest)}…";

    /// <summary>An exception's message without the parameter name, which means nothing to a user.</summary>
    public static string Of(Exception error) => error is ArgumentException ? ParameterSuffix().Replace(error.Message, "") : error.Message;

    /// <summary>A shape, <c>[320, 4, 3, 3]</c>.</summary>
    public static string Shape(ReadOnlySpan<long> shape) => $"[{string.Join(", ", shape.ToArray())}]";

    /// <summary>All items as alternatives, <c>3, 5 or 7</c>.</summary>
    public static string Choices(IReadOnlyList<string> items) =>
        items.Count < 2 ? string.Concat(items) : $"{string.Join(", ", items.SkipLast(1))} or {items[^1]}";

    /// <summary>The first eight items, <c>a, b and 12 more</c>.</summary>
    public static string List(IReadOnlyCollection<string> items, string separator = ", ")
    {
        var text = string.Join(separator, items.Take(LongestList));
        return items.Count > LongestList ? $"{text} and {items.Count - LongestList:N0} more" : text;
    }

    /// <summary>All items, <c>'a', 'b' or 'c'</c>.</summary>
    public static string Choice(IReadOnlyList<string> items)
    {
        var quoted = items.Select(Name).ToList();
        return quoted.Count == 1 ? quoted[0] : $"{string.Join(", ", quoted.Take(quoted.Count - 1))} or {quoted[^1]}";
    }
}
