using System.Globalization;
using System.Text.Json;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// The folder of a run: <c>run.json</c> says what is trained and on what, <c>checkpoints/</c> has the last states, <c>log.jsonl</c> a line
/// for each step, <c>samples/</c> sheets of images, <c>controlnet/</c> the result. One process at a time.
/// </summary>
internal sealed class TrainingFolder : IDisposable
{
    private const string RecordName = "run.json";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly FileStream _lock;

    private TrainingFolder(string path, FileStream held) => (Path, _lock) = (path, held);

    /// <summary>The full path.</summary>
    public string Path { get; }

    /// <summary>The log.</summary>
    public string Log => In("log.jsonl");

    /// <summary>Where sample sheets go.</summary>
    public string Samples => In("samples");

    /// <summary>Where the result goes.</summary>
    public string Result => In("controlnet");

    private string Checkpoints => In("checkpoints");

    /// <summary>Opens a run's folder, or begins one in a folder that is empty or not there.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="record">What is trained and on what, each by its name: what a run that goes on must have in common.</param>
    /// <exception cref="ControlNetException">It is another run's, no run's, or in use.</exception>
    public static TrainingFolder Open(string path, IReadOnlyDictionary<string, string> record)
    {
        RequireUsable(path);
        var root = System.IO.Path.GetFullPath(path);
        var file = System.IO.Path.Combine(root, RecordName);
        var isNew = !File.Exists(file);
        Directory.CreateDirectory(root);
        var folder = new TrainingFolder(root, RunFile.Lock(System.IO.Path.Combine(root, "lock"), path, $"{path}: another process is training in it: wait until it ends, or name another folder."));
        try
        {
            if (isNew)
                WeightFiles.WriteText(file, JsonSerializer.Serialize(new SortedDictionary<string, string>(record.ToDictionary(), StringComparer.Ordinal), Indented));
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

    /// <summary>Whether a run may live in a folder: it has one already, or nothing but what a run puts there before it begins.</summary>
    /// <exception cref="ControlNetException">It may not.</exception>
    public static void RequireUsable(string path)
    {
        if (File.Exists(path))
            throw new ControlNetException($"{path}: is a file, expected the folder of a run.");
        if (!IsRun(path) && Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any(entry => System.IO.Path.GetFileName(entry) is not ("lock" or "cache" or "data")))
            throw new ControlNetException($"{path}: is not empty and holds no {RecordName}, expected the folder of a run or a new one.");
    }

    /// <summary>Whether a folder is a run's.</summary>
    public static bool IsRun(string path) => File.Exists(System.IO.Path.Combine(path, RecordName));

    /// <summary>The newest whole checkpoint, or null.</summary>
    public string? Newest() => All().LastOrDefault();

    /// <summary>The newest whole checkpoint that is older than one, or null.</summary>
    public string? Before(string checkpoint) => All().LastOrDefault(other => string.CompareOrdinal(other, checkpoint) < 0);

    /// <summary>Writes a checkpoint under a temporary name, renames it, and removes the oldest beyond a number.</summary>
    /// <param name="state">What is written.</param>
    /// <param name="keep">How many stay.</param>
    public void Write(TrainingState state, int keep)
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

        foreach (var old in All().SkipLast(keep).ToList())
            Remove(old);
    }

    /// <summary>A path in the folder.</summary>
    public string In(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Path, .. parts]);

    public void Dispose() => _lock.Dispose();

    private IEnumerable<string> All() => Directory.Exists(Checkpoints)
        ? Directory.EnumerateDirectories(Checkpoints, "step-*").Where(folder => !folder.EndsWith(".part", StringComparison.Ordinal) && TrainingState.IsCheckpoint(folder)).Order(StringComparer.Ordinal)
        : [];

    private static void Remove(string folder)
    {
        // Of a link, only the link.
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
            .Where(name => before.GetValueOrDefault(name) != now.GetValueOrDefault(name))
            .Select(name => $"{name} was {before.GetValueOrDefault(name) ?? "not said"} and is {now.GetValueOrDefault(name) ?? "not said"}").ToList();
        if (differences.Count > 0)
            throw new ControlNetException($"{path}: this run cannot go on with other settings: {Message.List(differences, "; ")}. Take another folder for another run.");
    }
}
