namespace ControlNet.ML.Internal;

/// <summary>
/// A temporary folder of this process, created for the user alone and removed when it is disposed. A process that is killed leaves its
/// folders behind; the next one that creates a folder in the same place removes them. A lock file next to the folder, held as long as the
/// folder exists, shows that the owner is alive: the system releases it with the process, unlike process ids, which are reused.
/// </summary>
internal sealed class ScratchFolder : IDisposable
{
    private const string Ending = ".part", HoldEnding = ".lock";
    private readonly FileStream _hold;

    private ScratchFolder(string path, FileStream hold) => (Path, _hold) = (path, hold);

    /// <summary>The full path.</summary>
    public string Path { get; }

    /// <summary>Creates a folder in the user's cache.</summary>
    /// <exception cref="ControlNetException">No private folder can be created.</exception>
    public static ScratchFolder Create()
    {
        List<string> failures = [];
        return UserCache.Use(UserCache.Folders("scratch"), Create, failures) ?? throw new ControlNetException(
            $"No folder for temporary files can be created: tried {string.Join("; ", failures)}. "
                + $"Set {UserCache.Variable} to a folder of your own.");
    }

    /// <summary>Creates a folder in a private one, and removes folders there whose owner has ended.</summary>
    /// <param name="root">The private folder.</param>
    /// <exception cref="IOException">It cannot be created.</exception>
    /// <exception cref="UnauthorizedAccessException">Access is denied.</exception>
    public static ScratchFolder Create(string root)
    {
        RemoveAbandoned(root);
        var path = System.IO.Path.Combine(root, $"{System.IO.Path.GetRandomFileName()}{Ending}");
        var folder = new ScratchFolder(path, Hold(path, FileMode.CreateNew));
        try
        {
            PrivateFolder.CreateNew(path, isPrivate: true);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>The path of a file in the folder.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Removes the folder, unless it has been moved elsewhere.</summary>
    public void Dispose()
    {
        try
        {
            if (Directory.Exists(Path))
                Directory.Delete(Path, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next process that creates a folder here tries again.
        }

        _hold.Dispose();
    }

    private static void RemoveAbandoned(string root)
    {
        var left = Directory.EnumerateFileSystemEntries(root, $"*{Ending}").Concat(
            Directory.EnumerateFiles(root, $"*{Ending}{HoldEnding}").Select(hold => hold[..^HoldEnding.Length]));
        foreach (var path in left.Distinct().ToList())
            Abandon(path);
    }

    /// <summary>Removes a folder, then its lock file, unless another process holds it.</summary>
    private static void Abandon(string path)
    {
        try
        {
            using var hold = Hold(path, FileMode.OpenOrCreate);
            if (FileStatus.Of(path, followLinks: false) is { Kind: FileKind.Folder })
                Directory.Delete(path, recursive: true);
            else
                System.IO.File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // In use by another process, or removed the next time.
        }
    }

    /// <summary>Locks a folder; its lock file is deleted with the stream.</summary>
    private static FileStream Hold(string path, FileMode mode) =>
        new(path + HoldEnding, mode, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
}
