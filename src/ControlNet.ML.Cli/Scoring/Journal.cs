using System.Collections;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>
/// The finished rows, one line each, in an append-only file. Only complete lines count: a last line that a crash cut short is removed when
/// the journal is next opened, and its row is scored again.
/// </summary>
internal sealed class Journal : IDisposable
{
    private readonly FileStream _stream;
    private readonly BitArray _done = new(1024);

    private Journal(FileStream stream) => _stream = stream;

    /// <summary>Rows with an image.</summary>
    public long Succeeded { get; private set; }

    /// <summary>Rows with an error.</summary>
    public long Failed { get; private set; }

    /// <summary>The first row with an error, or null.</summary>
    public JournalEntry? FirstFailure { get; private set; }

    /// <summary>Opens or creates a journal and removes an incomplete last line.</summary>
    /// <param name="path">The file.</param>
    /// <param name="shard">The shard whose rows it holds.</param>
    /// <param name="rows">Number of rows in the table.</param>
    /// <exception cref="ControlNetException">A line before the last is damaged, or a row is duplicated or of another shard.</exception>
    public static Journal Open(string path, Shard shard, long rows)
    {
        var stream = RunFile.Open(path, FileMode.OpenOrCreate, FileShare.Read);
        var journal = new Journal(stream);
        try
        {
            var end = 0L;
            foreach (var line in JournalLines.Read(stream, path))
            {
                if (!shard.Has(line.Entry.Row) || line.Entry.Row >= rows)
                    throw new ControlNetException($"{path}: row {line.Entry.Row} belongs to another shard or table.");
                if (!journal.Count(line.Entry))
                    throw new ControlNetException($"{path}: row {line.Entry.Row} occurs twice, expected once.");
                end = line.Offset + line.Length;
            }

            if (stream.Length > end)
                stream.SetLength(end);
            stream.Position = end;
            return journal;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Removes rows from a journal, so that they are scored again.</summary>
    /// <param name="path">The journal; may be missing.</param>
    /// <param name="which">Selects the rows.</param>
    public static void Forget(string path, Predicate<JournalEntry> which)
    {
        if (!File.Exists(path))
            return;
        AtomicFile.Write(path, stream =>
        {
            using var old = RegularFile.Open(path, path);
            foreach (var line in JournalLines.Read(old, path).Where(line => !which(line.Entry)))
                stream.Write(line.Entry.ToLine());
        });
    }

    /// <summary>Whether a row is finished, with an image or an error.</summary>
    public bool Has(long row) => row < _done.Length && _done[(int)row];

    /// <summary>Appends finished rows and flushes them to disk.</summary>
    public void Append(params ReadOnlySpan<JournalEntry> entries)
    {
        using var lines = new MemoryStream();
        foreach (var entry in entries)
            lines.Write(entry.ToLine());
        _stream.Write(lines.GetBuffer(), 0, (int)lines.Length);
        _stream.Flush(flushToDisk: true);
        foreach (var entry in entries)
            Count(entry);
    }

    public void Dispose() => _stream.Dispose();

    /// <summary>Counts a row; false if it was counted before.</summary>
    private bool Count(JournalEntry entry)
    {
        if (Has(entry.Row))
            return false;
        if (entry.Row >= _done.Length)
            _done.Length = checked((int)Math.Min(Array.MaxLength, Math.Max(entry.Row + 1, 2L * _done.Length)));
        _done[(int)entry.Row] = true;
        if (entry.Error is null)
        {
            Succeeded++;
        }
        else
        {
            Failed++;
            FirstFailure ??= entry;
        }

        return true;
    }
}
