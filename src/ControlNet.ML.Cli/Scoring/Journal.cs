using System.Collections;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>
/// The finished rows, one line each. The row of a line that a crash cut short is scored again. Rows may be appended on one thread while
/// others ask for them.
/// </summary>
internal sealed class Journal : IDisposable
{
    private readonly Lock _gate = new();
    private readonly BitArray _done = new(1024);
    private readonly JournalFile _file;

    private Journal(string path, Shard shard, long rows) => _file = JournalFile.Open(
        path,
        stream => JournalLines.Read(stream, path),
        entry =>
        {
            if (!shard.Has(entry.Row) || entry.Row >= rows)
                throw new ControlNetException($"{path}: row {entry.Row} belongs to another shard or table.");
            if (!Count(entry))
                throw new ControlNetException($"{path}: row {entry.Row} occurs twice, expected once.");
        });

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
    public static Journal Open(string path, Shard shard, long rows) => new(path, shard, rows);

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
    public bool Has(long row)
    {
        lock (_gate)
            return row < _done.Length && _done[(int)row];
    }

    /// <summary>Appends finished rows and flushes them to disk.</summary>
    public void Append(params ReadOnlySpan<JournalEntry> entries)
    {
        var lines = new byte[entries.Length][];
        for (var i = 0; i < lines.Length; i++)
            lines[i] = entries[i].ToLine();
        lock (_gate)
        {
            _file.Append(lines);
            foreach (var entry in entries)
                Count(entry);
        }
    }

    public void Dispose() => _file.Dispose();

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
