namespace ControlNet.ML.Cli.Scoring;

/// <summary>Reads journals.</summary>
internal static class JournalLines
{
    private const int LongestLine = 64 << 20;

    /// <summary>The complete lines of a journal, from its beginning. A last line that a crash cut short is skipped.</summary>
    /// <param name="stream">The journal.</param>
    /// <param name="path">Its path, for errors.</param>
    /// <exception cref="ControlNetException">A line before the last is damaged.</exception>
    public static IEnumerable<JournalLine<JournalEntry>> Read(Stream stream, string path) =>
        Read(stream, path, JournalEntry.Parse, "a scored row");

    /// <summary>The complete lines of a journal of other entries.</summary>
    /// <param name="stream">The journal.</param>
    /// <param name="path">Its path, for errors.</param>
    /// <param name="parse">Parses a line without its newline; null if it is not an entry.</param>
    /// <param name="expected">What a line is, for errors.</param>
    /// <exception cref="ControlNetException">A line before the last is damaged.</exception>
    public static IEnumerable<JournalLine<T>> Read<T>(Stream stream, string path, Func<ReadOnlySpan<byte>, T?> parse, string expected)
        where T : class
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
                    throw Damaged(path, number - 1, expected);
                if (parse(buffer.AsSpan(begin, length - 1)) is { } entry)
                    yield return new JournalLine<T>(entry, offset + begin, length);
                else
                    torn = true;
            }

            offset += begin;
            filled -= begin;
            Array.Copy(buffer, begin, buffer, 0, filled);
            if (count == 0)
                yield break;
            if (torn && filled > 0)
                throw Damaged(path, number, expected);
            if (filled < buffer.Length)
                continue;
            if (buffer.Length >= LongestLine)
                throw new ControlNetException($"{path}: line {number + 1} is damaged, it has more than {LongestLine:N0} bytes.");
            Array.Resize(ref buffer, 2 * buffer.Length);
        }
    }

    private static ControlNetException Damaged(string path, long line, string expected) =>
        new($"{path}: line {line} is damaged. Expected {expected}; only the last line may be incomplete.");
}

/// <summary>A line of a journal.</summary>
/// <param name="Entry">Its entry.</param>
/// <param name="Offset">Its offset in the file, in bytes.</param>
/// <param name="Length">Its length in bytes, with the newline.</param>
/// <typeparam name="T">The type of the entry.</typeparam>
internal readonly record struct JournalLine<T>(T Entry, long Offset, int Length);
