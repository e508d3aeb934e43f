using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>
/// The measured images, a line each. An image that is measured again has another line: the last one counts.
/// </summary>
internal sealed class MeasureJournal : IDisposable
{
    private const string Name = "measures", Expected = "a measured image";

    private readonly Dictionary<(string Method, long Row), (string Key, string? File, long? Bytes, long? Modified)> _done = [];
    private readonly JournalFile _file;

    private MeasureJournal(string path) =>
        _file = JournalFile.Open(path, stream => JournalLines.Read(stream, path, MeasureEntry.Parse, Expected), Keep);

    /// <summary>The journal of a shard.</summary>
    public static string PathOf(string folder, Shard shard) => Path.Combine(folder, $"{Name}{shard.Suffix}.jsonl");

    /// <summary>Opens or creates a journal and removes an incomplete last line.</summary>
    /// <exception cref="ControlNetException">A line before the last is damaged.</exception>
    public static MeasureJournal Open(string path) => new(path);

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
        _file.Append([.. entries.Select(entry => entry.ToLine())]);
        foreach (var entry in entries)
            Keep(entry);
    }

    public void Dispose() => _file.Dispose();

    private void Keep(MeasureEntry entry) =>
        _done[(entry.Method, entry.Row)] = (entry.Key, entry.File, entry.Bytes, entry.Modified);
}
