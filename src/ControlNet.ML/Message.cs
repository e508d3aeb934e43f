using System.Globalization;
using System.Text;

namespace ControlNet.ML;

/// <summary>
/// The pieces that error messages are made of. Names come from files, so they are shortened and freed of control
/// characters before they reach a terminal or a log.
/// </summary>
internal static class Message
{
    private const int LongestName = 100;
    private const int LongestList = 8;

    /// <summary>A name in single quotes, at most 100 characters of it.</summary>
    public static string Name(string name)
    {
        var text = new StringBuilder("'");
        foreach (var character in name.AsSpan(0, Math.Min(name.Length, LongestName)))
        {
            if (char.IsControl(character) || char.IsSurrogate(character))
                text.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            else
                text.Append(character);
        }

        if (name.Length > LongestName)
            text.Append('…');
        return text.Append('\'').ToString();
    }

    /// <summary>A shape, <c>[320, 4, 3, 3]</c>.</summary>
    public static string Shape(ReadOnlySpan<long> shape) => $"[{string.Join(", ", shape.ToArray())}]";

    /// <summary>The first eight of many, <c>a, b and 12 more</c>.</summary>
    public static string List(IReadOnlyCollection<string> items, string separator = ", ")
    {
        var text = string.Join(separator, items.Take(LongestList));
        return items.Count > LongestList ? $"{text} and {items.Count - LongestList:N0} more" : text;
    }

    /// <summary>All of a few, <c>'a', 'b' or 'c'</c>.</summary>
    public static string Choice(IReadOnlyList<string> items)
    {
        var quoted = items.Select(Name).ToList();
        return quoted.Count == 1 ? quoted[0] : $"{string.Join(", ", quoted.Take(quoted.Count - 1))} or {quoted[^1]}";
    }
}
