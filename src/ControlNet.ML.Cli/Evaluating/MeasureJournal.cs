using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>
/// The measured images, a line each, in an append-only file. An image that is measured again has another line: the last one counts.
/// </summary>
internal sealed class MeasureJournal : IDisposable
{
    private const string Name = "measures", Expected = "a measured image";

    private readonly FileStream _stream;
    private readonly Dictionary<(string Method, long Row), (string Key, string? File, long? Bytes, long? Modified)> _done = [];

    private MeasureJournal(FileStream stream) => _stream = stream;

    /// <summary>The journal of a shard.</summary>
    public static string PathOf(string folder, Shard shard) => Path.Combine(folder, $"{Name}{shard.Suffix}.jsonl");

    /// <summary>Opens or creates a journal and removes an incomplete last line.</summary>
    /// <exception cref="ControlNetException">A line before the last is damaged.</exception>
    public static MeasureJournal Open(string path)
    {
        var stream = RunFile.Open(path, FileMode.OpenOrCreate, FileShare.Read);
        var journal = new MeasureJournal(stream);
        try
        {
            var end = 0L;
            foreach (var line in JournalLines.Read(stream, path, MeasureEntry.Parse, Expected))
            {
                journal.Keep(line.Entry);
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

    /// <summary>The last entries of a journal, by method and row; none if there is no journal.</summary>
    /// <exception cref="ControlNetException">A line before the last is damaged.</exception>
    public static Dictionary<(string Method, long Row), MeasureEntry> Read(string path)
    {
        Dictionary<(string, long), MeasureEntry> entries = [];
        if (!File.Exists(path))
            return entries;
        using var stream = RegularFile.Open(path, path);
        foreach (var line in JournalLines.Read(stream, path, MeasureEntry.Parse, Expected))
            entries[(line.Entry.Method, line.Entry.Row)] = line.Entry;
        return entries;
    }

    /// <summary>Whether an image was measured by the same settings, and its file has not changed since.</summary>
    public bool Has(MeasureEntry entry) => _done.TryGetValue((entry.Method, entry.Row), out var known)
        && known == (entry.Key, entry.File, entry.Bytes, entry.Modified);

    /// <summary>Appends entries and flushes them to disk.</summary>
    public void Append(IReadOnlyList<MeasureEntry> entries)
    {
        using var lines = new MemoryStream();
        foreach (var entry in entries)
            lines.Write(entry.ToLine());
        _stream.Write(lines.GetBuffer(), 0, (int)lines.Length);
        _stream.Flush(flushToDisk: true);
        foreach (var entry in entries)
            Keep(entry);
    }

    public void Dispose() => _stream.Dispose();

    private void Keep(MeasureEntry entry) =>
        _done[(entry.Method, entry.Row)] = (entry.Key, entry.File, entry.Bytes, entry.Modified);
}
