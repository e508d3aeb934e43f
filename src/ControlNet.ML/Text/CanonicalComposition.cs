using System.Text;

namespace ControlNet.ML.Text;

/// <summary>Normalisation form C (Unicode Standard Annex 15) by the data of Unicode 14, in near-linear time for any text.</summary>
internal static class CanonicalComposition
{
    /// <summary>The text with its characters composed. Lone surrogates become U+FFFD.</summary>
    public static string Compose(string text)
    {
        // Nothing below U+0300 combines with anything.
        if (!text.AsSpan().ContainsAnyInRange('\u0300', '\uFFFF'))
            return text;

        var points = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
            Decompose(rune.Value, points);
        Reorder(points);
        return Compose(points);
    }

    private static void Decompose(int codePoint, List<int> points)
    {
        if (!Unicode14.TryDecompose(codePoint, out var first, out var second))
        {
            points.Add(codePoint);
            return;
        }

        Decompose(first, points);
        if (second != 0)
            Decompose(second, points);
    }

    // Marks after a starter stand in the order of their classes, equal ones as they were.
    private static void Reorder(List<int> points)
    {
        for (var start = 0; start < points.Count; start++)
        {
            var end = start;
            while (end < points.Count && Unicode14.CombiningClass(points[end]) != 0)
                end++;
            if (end - start < 2)
                continue;
            int[] sorted = [.. points.Skip(start).Take(end - start).OrderBy(Unicode14.CombiningClass)];
            for (var i = 0; i < sorted.Length; i++)
                points[start + i] = sorted[i];
            start = end;
        }
    }

    private static string Compose(List<int> points)
    {
        var kept = new List<int>(points.Count);
        var (starter, lastClass) = (-1, 0);
        foreach (var point in points)
        {
            var combiningClass = Unicode14.CombiningClass(point);
            // A mark of the same or a higher class between the starter and this one blocks it.
            if (starter >= 0 && (lastClass == 0 || lastClass < combiningClass)
                && Unicode14.TryCompose(kept[starter], point, out var composite))
            {
                kept[starter] = composite;
                continue;
            }

            if (combiningClass == 0)
                starter = kept.Count;
            lastClass = combiningClass;
            kept.Add(point);
        }

        var text = new StringBuilder(kept.Count);
        Span<char> utf16 = stackalloc char[2];
        foreach (var point in kept)
            text.Append(utf16[..new Rune(point).EncodeToUtf16(utf16)]);
        return text.ToString();
    }
}
