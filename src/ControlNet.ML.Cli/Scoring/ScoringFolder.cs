using System.Globalization;
using ControlNet.ML.Cli.Tables;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>The folder of a run, or of one shard in it: where its files lie, and that nobody else works there.</summary>
internal sealed class ScoringFolder : IDisposable
{
    private readonly Shard _shard;
    private readonly FileStream _lock;

    private ScoringFolder(string path, Shard shard, FileStream held) => (Path, _shard, _lock) = (path, shard, held);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The journal of this shard.</summary>
    public string Journal => System.IO.Path.Combine(Path, $"journal{_shard.Suffix}.jsonl");

    /// <summary>The results of this shard.</summary>
    public string Results(string format) => System.IO.Path.Combine(Path, ResultsName(_shard, format));

    /// <summary>The name of a shard's results.</summary>
    public static string ResultsName(Shard shard, string format) => $"results{shard.Suffix}.{format}";

    /// <summary>Where run.json lies.</summary>
    public static string Record(string path) => System.IO.Path.Combine(path, "run.json");

    /// <summary>A row's image, as results name it: relative to the folder, the same on every system.</summary>
    public static string ImageName(long row) => string.Create(CultureInfo.InvariantCulture, $"pictures/{row:00000000}.png");

    /// <summary>What a run writes beside its images: what is read may be none of them.</summary>
    public static IEnumerable<string> Files(string path, Shard shard) =>
    [
        Record(path),
        System.IO.Path.Combine(path, $"run{shard.Suffix}.lock"),
        System.IO.Path.Combine(path, $"journal{shard.Suffix}.jsonl"),
        .. ResultWriter.Formats.SelectMany(format => new[] { ResultsName(shard, format), ResultsName(Shard.Whole, format) }).Select(name => System.IO.Path.Combine(path, name)),
    ];

    /// <summary>Whether a file lies where a run puts its images, under whatever name.</summary>
    public static bool HoldsImage(string path, string file)
    {
        var images = Images(path);
        return IsIn(file) || (File.Exists(file) && File.ResolveLinkTarget(file, returnFinalTarget: true) is { } target && IsIn(target.FullName));

        bool IsIn(string name) => System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(name)) is { } folder
            && (folder == System.IO.Path.GetFullPath(images) || FileStatus.AreSame(folder, images));
    }

    /// <summary>A row's image.</summary>
    public string Image(long row) => System.IO.Path.Combine(Path, ImageName(row));

    /// <summary>Makes the folder if it is not there, and takes it, or this shard of it.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="shard">The part that is scored.</param>
    /// <param name="record">What is to be done.</param>
    /// <param name="outline">Reads the table's outline, in blocks of so many rows; asked for where a run begins, and where its table changed.</param>
    /// <exception cref="ControlNetException">Another process has it, it holds another run, or it cannot be written.</exception>
    public static ScoringFolder Take(string path, Shard shard, ScoringRecord record, Func<int, TableOutline> outline)
    {
        try
        {
            Refuse(path, record, outline);
            Directory.CreateDirectory(Images(path));
            var held = RunFile.Lock(
                System.IO.Path.Combine(path, $"run{shard.Suffix}.lock"),
                path,
                $"Another process is scoring in the folder '{path}'{(shard.Count == 1 ? "" : $", shard {shard.Index} of {shard.Count}")}: wait until it ends, or name another --out.");
            try
            {
                record.WriteNew(Record(path), outline);
                Refuse(path, record, outline);
                return new ScoringFolder(path, shard, held);
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

    /// <summary>Throws if a folder holds another run than this; one that is not there holds none.</summary>
    public static void Refuse(string path, ScoringRecord record, Func<int, TableOutline> outline)
    {
        RequireFolder(path);
        var file = Record(path);
        if (File.Exists(file))
        {
            if (ScoringRecord.Read(file).Difference(record, outline) is { } difference)
                throw new ControlNetException($"The folder '{path}' holds another run, which differs in {difference}. Expected the same table and settings, or another --out.");
        }
        else if (Directory.Exists(path) && Directory.EnumerateFiles(path, "journal*.jsonl").Any())
        {
            throw new ControlNetException($"The folder '{path}' holds a journal and no run.json, so that nobody knows of which run: expected another --out.");
        }
        else if (Present(path) is { } present)
        {
            throw new ControlNetException($"The folder '{path}' holds {Message.Name(present)} and no run.json, so that it is of no run and would be written over: expected another --out.");
        }
    }

    /// <summary>Throws if a path, or a part of it, is there and no folder: what the system says of that names neither.</summary>
    private static void RequireFolder(string path)
    {
        for (var part = System.IO.Path.GetFullPath(path); part is not null; part = System.IO.Path.GetDirectoryName(part))
        {
            if (File.Exists(part))
                throw new ControlNetException($"The folder '{path}' cannot be made: {Message.Name(part)} is a file, expected a folder.");
        }
    }

    /// <summary>A file that a new run would replace, or null.</summary>
    private static string? Present(string path)
    {
        if (!Directory.Exists(path))
            return null;
        var images = Images(path);
        return Directory.EnumerateFiles(path, "results*").FirstOrDefault(file => ResultWriter.Formats.Contains(System.IO.Path.GetExtension(file).TrimStart('.')))
            ?? (Directory.Exists(images) ? Directory.EnumerateFiles(images, "*.png").FirstOrDefault() : null);
    }

    private static string Images(string path) => System.IO.Path.Combine(path, "pictures");

    /// <summary>Lets others have it. The lock's file stays: whoever removed it could remove another's.</summary>
    public void Dispose() => _lock.Dispose();
}
