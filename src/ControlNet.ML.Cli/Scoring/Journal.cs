using System.Collections;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>
/// The rows that are finished, one line each, in a file that only grows. A line counts when it is whole: what a crash leaves of the last
/// one is cut off when the journal is next opened, and its row is done again.
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

    /// <summary>Opens a journal, making it if it is not there, and repairs its end.</summary>
    /// <param name="path">The file.</param>
    /// <param name="shard">The rows that belong in it.</param>
    /// <param name="rows">How many rows the table has.</param>
    /// <exception cref="ControlNetException">A line before the last is damaged, or a row is there twice.</exception>
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
                    throw new ControlNetException($"{path}: row {line.Entry.Row} does not belong here.");
                if (!journal.Count(line.Entry))
                    throw new ControlNetException($"{path}: row {line.Entry.Row} is there twice, expected once.");
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

    /// <summary>Takes rows out of a journal, so that they are tried again.</summary>
    /// <param name="path">The journal; nothing is done if it is not there.</param>
    /// <param name="which">The rows.</param>
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

    /// <summary>Whether a row is finished, be it with an error.</summary>
    public bool Has(long row) => row < _done.Length && _done[(int)row];

    /// <summary>Adds finished rows and waits until the disk has them.</summary>
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

    /// <summary>False if the row was there.</summary>
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
