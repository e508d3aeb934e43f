using System.Globalization;
using System.Text.Json;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// The folder of a training run: <c>run.json</c> records the settings, <c>checkpoints/</c> holds the last checkpoints, <c>log.jsonl</c> a
/// line per step, <c>samples/</c> sheets of samples, <c>controlnet/</c> the result. Only one process can use it at a time.
/// </summary>
internal sealed class TrainingFolder : IDisposable
{
    private const string RecordName = "run.json";
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
    private readonly FileStream _lock;

    private TrainingFolder(string path, FileStream held) => (Path, _lock) = (path, held);

    /// <summary>The full path.</summary>
    public string Path { get; }

    /// <summary>The log.</summary>
    public string Log => In("log.jsonl");

    /// <summary>The folder of sample sheets.</summary>
    public string Samples => In("samples");

    /// <summary>The folder of the trained network.</summary>
    public string Result => In("controlnet");

    private string Checkpoints => In("checkpoints");

    /// <summary>Opens the folder of a run, or starts a run in an empty or new folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="record">The settings by name, which must not change when a run is resumed.</param>
    /// <exception cref="ControlNetException">The folder belongs to a run with other settings, holds other files, or is in use.</exception>
    public static TrainingFolder Open(string path, IReadOnlyDictionary<string, string> record)
    {
        RequireUsable(path);
        var root = System.IO.Path.GetFullPath(path);
        var file = System.IO.Path.Combine(root, RecordName);
        var isNew = !File.Exists(file);
        Directory.CreateDirectory(root);
        var folder = new TrainingFolder(
            root,
            RunFile.Lock(
                System.IO.Path.Combine(root, "lock"),
                path,
                $"{path}: another process is training in this folder; wait for it to end, or use another folder."));
        try
        {
            if (isNew)
                WeightFiles.WriteText(
                    file,
                    JsonSerializer.Serialize(
                        new SortedDictionary<string, string>(record.ToDictionary(), StringComparer.Ordinal), Indented));
            else
                RequireSame(path, TrainingRecord.Read(file), record);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Checks that a run can use a folder: it holds a run, or nothing except what a run puts there before it starts.</summary>
    /// <exception cref="ControlNetException">The folder holds other files, or is a file.</exception>
    public static void RequireUsable(string path)
    {
        if (File.Exists(path))
            throw new ControlNetException($"{path}: is a file, expected the folder of a training run.");
        if (!IsRun(path) && Directory.Exists(path)
            && Directory.EnumerateFileSystemEntries(path)
                .Any(entry => System.IO.Path.GetFileName(entry) is not ("lock" or "cache" or "data")))
            throw new ControlNetException(
                $"{path}: is not empty and has no {RecordName}, expected the folder of a training run or a new folder.");
    }

    /// <summary>Whether a folder holds a run.</summary>
    public static bool IsRun(string path) => File.Exists(System.IO.Path.Combine(path, RecordName));

    /// <summary>The seed of the run in a folder, as text; null if the folder holds none.</summary>
    /// <exception cref="ControlNetException">Its record cannot be read.</exception>
    public static string? SeedOf(string path) => IsRun(path)
        ? TrainingRecord.Read(System.IO.Path.Combine(path, RecordName)).GetValueOrDefault(nameof(TrainingOptions.Seed))
        : null;

    /// <summary>The newest complete checkpoint, or null.</summary>
    public string? Newest() => All().LastOrDefault();

    /// <summary>The newest complete checkpoint before another, or null.</summary>
    public string? Before(string checkpoint) => All().LastOrDefault(other => string.CompareOrdinal(other, checkpoint) < 0);

    /// <summary>Writes a checkpoint under a temporary name, renames it, and deletes the oldest ones beyond a limit.</summary>
    /// <param name="state">The state to write.</param>
    /// <param name="limit">Maximum number of checkpoints to keep.</param>
    public void Write(TrainingState state, int limit)
    {
        var target = System.IO.Path.Combine(Checkpoints, string.Create(CultureInfo.InvariantCulture, $"step-{state.Step:D9}"));
        var part = target + ".part";
        Directory.CreateDirectory(Checkpoints);
        Remove(part);
        PrivateFolder.CreateNew(part, isPrivate: false);
        try
        {
            state.Write(part);
            Remove(target);
            Directory.Move(part, target);
            FolderSync.Flush(Checkpoints);
        }
        catch
        {
            Remove(part);
            throw;
        }

        foreach (var old in All().SkipLast(limit).ToList())
            Remove(old);
    }

    /// <summary>A path in the folder.</summary>
    public string In(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Path, .. parts]);

    public void Dispose() => _lock.Dispose();

    private IEnumerable<string> All() => Directory.Exists(Checkpoints)
        ? Directory.EnumerateDirectories(Checkpoints, "step-*")
            .Where(folder => !folder.EndsWith(".part", StringComparison.Ordinal) && TrainingState.IsCheckpoint(folder))
                .Order(StringComparer.Ordinal)
        : [];

    private static void Remove(string folder)
    {
        // A link is deleted, its target is not.
        if (FileStatus.Of(folder, followLinks: false) is not { Kind: FileKind.Folder })
        {
            File.Delete(folder);
            return;
        }

        TrainingState.Invalidate(folder);
        Directory.Delete(folder, recursive: true);
    }

    private static void RequireSame(string path, Dictionary<string, string> before, IReadOnlyDictionary<string, string> now)
    {
        var differences = before.Keys.Union(now.Keys).Order(StringComparer.Ordinal)
            .Select(name => (Name: name, Before: before.GetValueOrDefault(name) ?? TrainingRecord.Earlier.GetValueOrDefault(name)))
            .Where(setting => setting.Before != now.GetValueOrDefault(setting.Name))
            .Select(setting => $"{setting.Name} was {setting.Before ?? "missing"} and is "
                + $"{now.GetValueOrDefault(setting.Name) ?? "missing"}").ToList();
        if (differences.Count > 0)
            throw new ControlNetException($"{path}: a run cannot be resumed with other settings: {Message.List(differences, "; ")}. Use "
                + $"another folder for another run.");
    }
}
