namespace ControlNet.ML.Internal;

/// <summary>
/// A folder for what only this process needs, made for the user alone, and removed when it is disposed of. A process that is killed leaves
/// its folders; the next one that makes one in the same place removes them. That the owner lives is told by a file beside the folder which it
/// holds as long as the folder is there: the system lets go of it with the process, so numbers of processes, which come again, play no part.
/// </summary>
internal sealed class ScratchFolder : IDisposable
{
    private const string Ending = ".part", HoldEnding = ".lock";
    private readonly FileStream _hold;

    private ScratchFolder(string path, FileStream hold) => (Path, _hold) = (path, hold);

    /// <summary>The full path.</summary>
    public string Path { get; }

    /// <summary>Makes a folder in the user's cache.</summary>
    /// <exception cref="ControlNetException">No private folder can be made.</exception>
    public static ScratchFolder Create()
    {
        List<string> failures = [];
        return UserCache.Use(UserCache.Folders("scratch"), Create, failures) ?? throw new ControlNetException(
            $"No folder for temporary files can be made: tried {string.Join("; ", failures)}. Name one that is yours in {UserCache.Variable}.");
    }

    /// <summary>Makes a folder in a private one, and removes those there whose owner is gone.</summary>
    /// <param name="root">The private folder.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
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

    /// <summary>A path in the folder.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Removes the folder, if it has not been moved elsewhere.</summary>
    public void Dispose()
    {
        try
        {
            if (Directory.Exists(Path))
                Directory.Delete(Path, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next process that comes here tries again.
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

    /// <summary>Removes a folder, then what held it, unless somebody holds it.</summary>
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
            // Somebody's, or it goes the next time.
        }
    }

    /// <summary>Holds a folder; the file that does so goes with the stream.</summary>
    private static FileStream Hold(string path, FileMode mode) =>
        new(path + HoldEnding, mode, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
}
