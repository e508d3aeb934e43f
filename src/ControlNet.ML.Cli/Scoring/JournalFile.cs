namespace ControlNet.ML.Cli.Scoring;

/// <summary>
/// A journal that is being written: an append-only file of lines. Only complete lines count: a last line that a crash cut short is removed
/// when the journal is next opened.
/// </summary>
internal sealed class JournalFile : IDisposable
{
    private readonly FileStream _stream;

    private JournalFile(FileStream stream) => _stream = stream;

    /// <summary>Opens or creates a journal and removes an incomplete last line.</summary>
    /// <param name="path">The file.</param>
    /// <param name="read">Reads the lines of the file, as <see cref="JournalLines"/> does.</param>
    /// <param name="known">Receives each entry; may throw to refuse the journal.</param>
    /// <typeparam name="T">The type of the entries.</typeparam>
    /// <exception cref="ControlNetException">It cannot be opened, or a line before the last is damaged.</exception>
    public static JournalFile Open<T>(string path, Func<Stream, IEnumerable<JournalLine<T>>> read, Action<T> known)
    {
        var stream = RunFile.Open(path, FileMode.OpenOrCreate, FileShare.Read);
        try
        {
            var end = 0L;
            foreach (var line in read(stream))
            {
                known(line.Entry);
                end = line.Offset + line.Length;
            }

            if (stream.Length > end)
                stream.SetLength(end);
            stream.Position = end;
            return new JournalFile(stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Appends lines and flushes them to disk.</summary>
    /// <param name="lines">The lines, each with its newline.</param>
    public void Append(ReadOnlySpan<byte[]> lines)
    {
        using var all = new MemoryStream();
        foreach (var line in lines)
            all.Write(line);
        _stream.Write(all.GetBuffer(), 0, (int)all.Length);
        _stream.Flush(flushToDisk: true);
    }

    public void Dispose() => _stream.Dispose();
}
