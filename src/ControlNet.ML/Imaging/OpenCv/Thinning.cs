namespace ControlNet.ML.Imaging;

/// <summary>
/// Thins white strokes on black to one pixel by removing the pixels that match a pattern (hit or miss):
/// two patterns in four rotations, applied until nothing changes, at most 32 times.
/// </summary>
public static class Thinning
{
    private const int Sweeps = 32;

    // Rows from the top: '#' white, '.' black, '?' either. A match removes the centre pixel.
    private static readonly Pattern[] Strokes = Turned("...?#?###", "?..##.?#?");
    private static readonly Pattern[] Spurs = Turned("....#.??.", "....#..??");

    /// <summary>Thins a map.</summary>
    /// <param name="map">One channel of 0 and 255.</param>
    /// <param name="prune">Whether one more pass shortens the spurs that thinning leaves.</param>
    /// <returns>A new map of the same size.</returns>
    /// <exception cref="ArgumentException">The map has several channels, or values other than 0 and 255.</exception>
    public static ImageBuffer Apply(ImageBuffer map, bool prune = true)
    {
        ArgumentNullException.ThrowIfNull(map);
        if (map.Channels != 1 || map.Samples.AsSpan().ContainsAnyExcept<byte>(0, 255))
            throw new ArgumentException($"The map is {map}, expected one channel of 0 and 255.", nameof(map));
        var result = new ImageBuffer(map.Width, map.Height, 1, (byte[])map.Samples.Clone());
        var matches = new List<int>();
        for (var sweep = 0; sweep < Sweeps && Sweep(result, Strokes, matches); sweep++)
        {
        }

        if (prune)
            Sweep(result, Spurs, matches);
        return result;
    }

    // All matches of a pattern are found before they are removed; then comes the next pattern.
    private static bool Sweep(ImageBuffer map, Pattern[] patterns, List<int> matches)
    {
        var changed = false;
        foreach (var pattern in patterns)
        {
            matches.Clear();
            for (var y = 0; y < map.Height; y++)
            {
                for (var x = 0; x < map.Width; x++)
                {
                    if (pattern.Matches(map, x, y))
                        matches.Add((y * map.Width) + x);
                }
            }

            foreach (var at in matches)
                map.Samples[at] = 0;
            changed |= matches.Count > 0;
        }

        return changed;
    }

    private static Pattern[] Turned(params ReadOnlySpan<string> patterns)
    {
        var turned = new List<Pattern>();
        var current = patterns.ToArray();
        for (var turn = 0; turn < 4; turn++)
        {
            turned.AddRange(current.Select(rows => new Pattern(rows)));

            // A quarter turn to the left: the last column becomes the first row.
            current = [.. current.Select(rows => string.Concat(Enumerable.Range(0, 9).Select(i => rows[(i % 3 * 3) + 2 - (i / 3)])))];
        }

        return [.. turned];
    }

    private sealed class Pattern(string rows)
    {
        public bool Matches(ImageBuffer map, int x, int y)
        {
            if (map.Samples[(y * map.Width) + x] == 0)
                return false;
            for (var i = 0; i < rows.Length; i++)
            {
                var (column, row) = (x + (i % 3) - 1, y + (i / 3) - 1);
                if (rows[i] == '?' || column < 0 || row < 0 || column >= map.Width || row >= map.Height)
                    continue;
                if (map.Samples[(row * map.Width) + column] != 0 != (rows[i] == '#'))
                    return false;
            }

            return true;
        }
    }
}
