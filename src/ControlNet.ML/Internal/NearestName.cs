namespace ControlNet.ML.Internal;

/// <summary>Suggestions for mistyped names.</summary>
internal static class NearestName
{
    /// <summary>The known name with the fewest typing errors from the given one.</summary>
    /// <param name="name">What was typed.</param>
    /// <param name="known">The known names.</param>
    /// <returns>The nearest, or null if none is near: more than a third of its letters, and more than two, are wrong.</returns>
    public static string? Suggest(string name, IEnumerable<string> known)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(known);
        return known
            .Select(candidate => (Name: candidate, Distance: Distance(name, candidate)))
            .Where(candidate => candidate.Distance <= Math.Max(2, candidate.Name.Length / 3))
            .OrderBy(candidate => candidate.Distance)
            .ThenBy(candidate => candidate.Name, StringComparer.Ordinal)
            .FirstOrDefault().Name;
    }

    /// <summary>
    /// The number of insertions, deletions, replacements and swaps of adjacent letters that turn one into the other, ignoring case.
    /// </summary>
    internal static int Distance(string a, string b)
    {
        // Names are short; a longer text is as far away as it is long.
        if (a.Length > 100)
            return a.Equals(b, StringComparison.OrdinalIgnoreCase) ? 0 : a.Length;
        var table = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    table[i, j] = i + j;
                    continue;
                }

                var same = Same(a[i - 1], b[j - 1]);
                table[i, j] = Math.Min(Math.Min(table[i - 1, j], table[i, j - 1]) + 1, table[i - 1, j - 1] + (same ? 0 : 1));
                if (i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1]))
                    table[i, j] = Math.Min(table[i, j], table[i - 2, j - 2] + 1);
            }
        }

        return table[a.Length, b.Length];

        static bool Same(char x, char y) => char.ToLowerInvariant(x) == char.ToLowerInvariant(y);
    }
}
