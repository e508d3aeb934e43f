namespace ControlNet.ML.Text;

/// <summary>Reads merges.txt: a version line, then one pair per line, by rank.</summary>
internal static class MergesReader
{
    /// <summary>
    /// The lines that transformers' <c>CLIPTokenizer</c> reads, however long the file: 49,152 − 256 − 2, CLIP's number of merges.
    /// </summary>
    private const int MaxMerges = 49_152 - 256 - 2;

    public static List<(string Left, string Right)> Read(Stream stream, string source)
    {
        using var lines = new StringReader(TokenizerFile.ReadText(stream, source));
        var merges = new List<(string, string)>();
        var (number, version) = (0, 0);
        while (lines.ReadLine() is { } line)
        {
            number++;
            var parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 0)
                continue;
            if (version == 0)
            {
                // The reference drops the first line whatever it is; without this check a merge would be lost.
                if (!line.StartsWith("#version", StringComparison.Ordinal))
                    throw new ControlNetException(
                        $"{source}, line {number}: found '{Shorten(line)}', expected a version line such as '#version: 0.2'.");
                version = number;
                continue;
            }

            if (number - version > MaxMerges)
                break;
            if (parts.Length != 2)
                throw new ControlNetException(
                    $"{source}, line {number}: found {parts.Length} parts in '{Shorten(line)}', expected two tokens to be merged.");
            merges.Add((parts[0], parts[1]));
        }

        return version > 0
            ? merges
            : throw new ControlNetException($"{source} holds white space only, expected a version line and merges.");
    }

    private static string Shorten(string line) => line.Length <= 40 ? line : line[..40] + "…";
}
