using System.Globalization;
using ControlNet.ML.Cli.Tables;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>The folder of a run, or of one shard in it: the paths of its files, and the lock that keeps other processes out.</summary>
internal sealed class ScoringFolder : IDisposable
{
    /// <summary>The name of the file that describes the run.</summary>
    public const string RecordName = "run.json";

    private readonly Shard _shard;
    private readonly FileStream _lock;

    private ScoringFolder(string path, Shard shard, FileStream held) => (Path, _shard, _lock) = (path, shard, held);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Whether run.json has the scheduler's configuration, so that rows need not repeat it.</summary>
    public bool HasScheduler { get; private init; }

    /// <summary>The journal of this shard.</summary>
    public string Journal => JournalOf(Path, _shard);

    /// <summary>The batch size that was measured for this shard.</summary>
    public string BatchSize => BatchSizeFile(Path, _shard);

    /// <summary>The results of this shard.</summary>
    public string Results(string format) => System.IO.Path.Combine(Path, ResultsName(_shard, format));

    /// <summary>The path of a shard's journal.</summary>
    public static string JournalOf(string path, Shard shard) => System.IO.Path.Combine(path, $"journal{shard.Suffix}.jsonl");

    /// <summary>The file name of a shard's results.</summary>
    public static string ResultsName(Shard shard, string format) => $"results{shard.Suffix}.{format}";

    /// <summary>The path of run.json.</summary>
    public static string Record(string path) => System.IO.Path.Combine(path, RecordName);

    /// <summary>The path of a row's image in the results: relative to the folder, the same on every system.</summary>
    public static string ImageName(long row) => string.Create(CultureInfo.InvariantCulture, $"pictures/{row:00000000}.png");

    /// <summary>The files that a run writes besides its images; none of them may be an input.</summary>
    public static IEnumerable<string> Files(string path, Shard shard) =>
    [
        Record(path),
        System.IO.Path.Combine(path, $"run{shard.Suffix}.lock"),
        JournalOf(path, shard),
        BatchSizeFile(path, shard),
        .. ResultWriter.Formats
            .SelectMany(format => new[] { ResultsName(shard, format), ResultsName(Shard.Whole, format) })
            .Select(name => System.IO.Path.Combine(path, name)),
    ];

    /// <summary>Whether a file is in the folder of a run's images, also through links.</summary>
    public static bool HoldsImage(string path, string file)
    {
        var images = Images(path);
        return IsIn(file) || (
            File.Exists(file) && File.ResolveLinkTarget(file, returnFinalTarget: true) is { } target && IsIn(target.FullName));

        bool IsIn(string name) => System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(name)) is { } folder
            && (folder == System.IO.Path.GetFullPath(images) || FileStatus.AreSame(folder, images));
    }

    /// <summary>A row's image.</summary>
    public string Image(long row) => System.IO.Path.Combine(Path, ImageName(row));

    /// <summary>Creates the folder if it does not exist, and locks it, or this shard of it.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="shard">The part of the table to score.</param>
    /// <param name="record">The run.</param>
    /// <param name="outline">
    /// Reads the table's outline in blocks of a number of rows; called when a run begins or its table has changed.
    /// </param>
    /// <exception cref="ControlNetException">Another process has locked it, it holds another run, or it cannot be written.</exception>
    public static ScoringFolder Take(string path, Shard shard, ScoringRecord record, Func<int, TableOutline> outline)
    {
        try
        {
            Refuse(path, record, outline);
            Directory.CreateDirectory(Images(path));
            var part = shard.Count == 1 ? "" : $", shard {shard.Index} of {shard.Count}";
            var held = RunFile.Lock(
                System.IO.Path.Combine(path, $"run{shard.Suffix}.lock"),
                path,
                $"Another process is scoring in the folder '{path}'{part}: wait until it ends, or use another --output.");
            try
            {
                record.WriteNew(Record(path), outline);
                Refuse(path, record, outline);
                return new ScoringFolder(path, shard, held)
                {
                    HasScheduler = ScoringRecord.Read(Record(path)).SchedulerConfig is not null,
                };
            }
            catch
            {
                held.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"The folder '{path}' cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Throws if the folder exists and holds another run.</summary>
    public static void Refuse(string path, ScoringRecord record, Func<int, TableOutline> outline)
    {
        RequireFolder(path);
        var file = Record(path);
        if (File.Exists(file))
        {
            if (ScoringRecord.Read(file).Difference(record, outline) is { } difference)
            {
                throw new ControlNetException(
                    $"The folder '{path}' holds another run, which differs in {difference}. Expected the same table and settings, or "
                        + $"another --output.");
            }
        }
        else if (Directory.Exists(path) && Directory.EnumerateFiles(path, "journal*.jsonl").Any())
        {
            throw new ControlNetException(
                $"The folder '{path}' holds a journal but no run.json, so its run is unknown: expected another --output.");
        }
        else if (Present(path) is { } present)
        {
            throw new ControlNetException(
                $"The folder '{path}' holds {Message.Name(present)} but no run.json: a new run would overwrite it, expected another "
                    + $"--output.");
        }
    }

    /// <summary>Throws if the path, or one of its parents, is a file: the system's own error names neither.</summary>
    public static void RequireFolder(string path)
    {
        for (var part = System.IO.Path.GetFullPath(path); part is not null; part = System.IO.Path.GetDirectoryName(part))
        {
            if (File.Exists(part))
                throw new ControlNetException($"The folder '{path}' cannot be created: {Message.Name(part)} is a file, expected a folder.");
        }
    }

    /// <summary>A file that a new run would replace, or null.</summary>
    private static string? Present(string path)
    {
        if (!Directory.Exists(path))
            return null;
        var images = Images(path);
        return Directory.EnumerateFiles(path, "results*")
                .FirstOrDefault(file => ResultWriter.Formats.Contains(System.IO.Path.GetExtension(file).TrimStart('.')))
            ?? (Directory.Exists(images) ? Directory.EnumerateFiles(images, "*.png").FirstOrDefault() : null);
    }

    private static string BatchSizeFile(string path, Shard shard) => System.IO.Path.Combine(path, $"batch-size{shard.Suffix}.json");

    private static string Images(string path) => System.IO.Path.Combine(path, "pictures");

    /// <summary>Unlocks the folder. The lock file stays: deleting it could delete another process's lock.</summary>
    public void Dispose() => _lock.Dispose();
}
