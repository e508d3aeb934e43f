namespace ControlNet.ML.Cli.Scoring;

/// <summary>Reads journals.</summary>
internal static class JournalLines
{
    private const int LongestLine = 64 << 20;

    /// <summary>The whole lines of a journal, from its beginning. A last line that a crash tore is left out.</summary>
    /// <param name="stream">The journal.</param>
    /// <param name="path">What an error calls it.</param>
    /// <exception cref="ControlNetException">A line before the last is damaged.</exception>
    public static IEnumerable<JournalLine> Read(Stream stream, string path)
    {
        stream.Position = 0;
        var buffer = new byte[1 << 16];
        var (filled, offset, number, torn) = (0, 0L, 0L, false);
        while (true)
        {
            var count = stream.Read(buffer, filled, buffer.Length - filled);
            filled += count;
            var begin = 0;
            for (int length; (length = buffer.AsSpan(begin, filled - begin).IndexOf((byte)'\n') + 1) > 0; begin += length)
            {
                number++;
                if (torn)
                    throw new ControlNetException($"{path}: line {number - 1} is damaged. Expected a row that was scored; only the last line may be torn.");
                if (JournalEntry.Parse(buffer.AsSpan(begin, length - 1)) is { } entry)
                    yield return new JournalLine(entry, offset + begin, length);
                else
                    torn = true;
            }

            offset += begin;
            filled -= begin;
            Array.Copy(buffer, begin, buffer, 0, filled);
            if (count == 0)
                yield break;
            if (torn && filled > 0)
                throw new ControlNetException($"{path}: line {number} is damaged. Expected a row that was scored; only the last line may be torn.");
            if (filled == buffer.Length)
                Array.Resize(ref buffer, buffer.Length < LongestLine ? 2 * buffer.Length : throw new ControlNetException($"{path}: line {number + 1} is longer than any that was written."));
        }
    }
}

/// <summary>A line of a journal.</summary>
/// <param name="Entry">What it says.</param>
/// <param name="Offset">Where it begins, bytes.</param>
/// <param name="Length">Its bytes, the end included.</param>
internal readonly record struct JournalLine(JournalEntry Entry, long Offset, int Length);
