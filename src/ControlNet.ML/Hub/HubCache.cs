namespace ControlNet.ML.Hub;

/// <summary>
/// The cache that all tools of the hub share, in huggingface_hub's layout. <c>blobs</c> holds each content under its ETag,
/// <c>snapshots/COMMIT</c> the repository's files as links to blobs, and <c>refs/REVISION</c> the commit of a branch or tag. Where links
/// cannot be made, a snapshot holds the files themselves.
/// </summary>
/// <param name="root">The folder of all repositories.</param>
/// <param name="id">The repository and revision.</param>
/// <param name="useLinks">Whether links may be made.</param>
internal sealed class HubCache(string root, HubId id, bool useLinks = true)
{
    private const string FolderPrefix = "models--";
    private const int LongestRef = 256;
    private static readonly TimeSpan LockInterval = TimeSpan.FromMilliseconds(100);

    private string Folder { get; } = Path.Combine(root, $"{FolderPrefix}{id.Owner}--{id.Name}");

    /// <summary>The repositories in a cache, by <c>owner/name</c>, with their folders.</summary>
    public static IEnumerable<(HubId Id, string Folder)> Repositories(string root)
    {
        if (!Directory.Exists(root))
            yield break;
        foreach (var folder in Directory.EnumerateDirectories(root, FolderPrefix + "*").Order(StringComparer.Ordinal))
        {
            if (Path.GetFileName(folder)[FolderPrefix.Length..].Split("--") is [var owner, var name]
                && HubId.TryParse($"{owner}/{name}", out var id))
                yield return (id, folder);
        }
    }

    /// <summary>The commits whose snapshots exist, with the branches and tags that name them.</summary>
    public IEnumerable<(string Commit, string[] Revisions)> Snapshots()
    {
        var snapshots = Path.Combine(Folder, "snapshots");
        if (!Directory.Exists(snapshots))
            return [];
        var references = Path.Combine(Folder, "refs");
        var named = (Directory.Exists(references) ? Directory.EnumerateFiles(references, "*", SearchOption.AllDirectories) : [])
            .Select(file => (Name: Path.GetRelativePath(references, file).Replace('\\', '/'), Commit: ReadRef(file))).ToList();
        return
        [
            .. Directory.EnumerateDirectories(snapshots).Select(folder => Path.GetFileName(folder)).Where(HubId.IsCommit)
                .Order(StringComparer.Ordinal)
                .Select(commit => (commit, named.Where(other => other.Commit == commit).Select(other => other.Name)
                    .Order(StringComparer.Ordinal).ToArray())),
        ];
    }

    /// <summary>The commit that the revision had when it was last fetched; null if it never was.</summary>
    public string? Commit => id.IsPinned ? id.Revision : ReadRef(Reference);

    /// <summary>The folder of a commit's files.</summary>
    public string Snapshot(string commit) => Path.Combine(Folder, "snapshots", commit);

    /// <summary>The files of a commit that are in the cache, as paths in the repository.</summary>
    public IReadOnlyList<string> Files(string commit)
    {
        var snapshot = Snapshot(commit);
        return Directory.Exists(snapshot)
            ? [.. Directory.EnumerateFiles(snapshot, "*", SearchOption.AllDirectories).Where(IsFile)
                .Select(file => Path.GetRelativePath(snapshot, file).Replace('\\', '/')).Order(StringComparer.Ordinal)]
            : [];
    }

    /// <summary>Whether a file of a commit is in the cache.</summary>
    public bool Has(string commit, string path) => IsFile(PathOf(commit, path));

    /// <summary>The path of a file of a commit, whether or not it is in the cache.</summary>
    public string PathOf(string commit, string path) => Path.Combine(Snapshot(commit), path.Replace('/', Path.DirectorySeparatorChar));

    /// <summary>Whether an earlier call found that a commit has no such file.</summary>
    public bool IsAbsent(string commit, string path) => File.Exists(AbsenceMark(commit, path));

    /// <summary>Records that a commit has no such file.</summary>
    public void MarkAbsent(string commit, string path)
    {
        if (IsAbsent(commit, path))
            return;
        var mark = AbsenceMark(commit, path);
        Directory.CreateDirectory(Path.GetDirectoryName(mark)!);
        AtomicFile.WriteNew(mark, _ => { });
    }

    /// <summary>The path of a content.</summary>
    public string Blob(string etag) => Path.Combine(Folder, "blobs", etag);

    /// <summary>The path of a content while it is being transferred.</summary>
    public string Incomplete(string etag) => Blob(etag) + ".incomplete";

    /// <summary>Creates the folders that blobs and locks are written to.</summary>
    public void Create()
    {
        Directory.CreateDirectory(Path.Combine(Folder, "blobs"));
        Directory.CreateDirectory(LockFolder);
    }

    /// <summary>
    /// Waits until no other process or thread transfers a content. The lock is the one that the Python library takes, and the system
    /// releases it with the process.
    /// </summary>
    public async Task<IDisposable> LockAsync(string etag, CancellationToken cancellationToken)
    {
        var path = Path.Combine(LockFolder, etag + ".lock");
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
            }
            catch (IOException error) when (error is not DirectoryNotFoundException && File.Exists(path))
            {
                await Task.Delay(LockInterval, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Adds a file to a commit's snapshot: a link to its blob, or the blob itself.</summary>
    /// <param name="commit">The commit.</param>
    /// <param name="path">The file's path in the repository.</param>
    /// <param name="etag">Its content, which is in the cache.</param>
    /// <param name="isLast">Whether no other file needs the blob: where links cannot be made, it is moved.</param>
    public void Place(string commit, string path, string etag, bool isLast)
    {
        var (file, blob) = (PathOf(commit, path), Blob(etag));
        if (IsFile(file))
            return;
        var folder = Path.GetDirectoryName(file)!;
        Directory.CreateDirectory(folder);
        if (useLinks && TryLink(file, Path.GetRelativePath(folder, blob)))
            return;
        try
        {
            if (isLast)
                File.Move(blob, file, overwrite: true);
            else
                AtomicFile.Write(file, stream => Copy(blob, stream));
        }
        catch (FileNotFoundException) when (IsFile(file))
        {
            // Another process has moved it.
        }
    }

    /// <summary>Records the commit of the revision, once its files are in the cache.</summary>
    public void WriteRef(string commit)
    {
        if (id.IsPinned || ReadRef(Reference) == commit)
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(Reference)!);
        AtomicFile.Write(Reference, stream => stream.Write(System.Text.Encoding.ASCII.GetBytes(commit)));
    }

    private string Reference => Path.Combine(Folder, "refs", id.Revision.Replace('/', Path.DirectorySeparatorChar));

    private string LockFolder => Path.Combine(root, ".locks", Path.GetFileName(Folder));

    private string AbsenceMark(string commit, string path) =>
        Path.Combine(Folder, ".no_exist", commit, path.Replace('/', Path.DirectorySeparatorChar));

    private static string? ReadRef(string file)
    {
        if (!File.Exists(file))
            return null;
        var commit = System.Text.Encoding.UTF8.GetString(RegularFile.ReadAll(file, file, LongestRef, "a commit")).Trim();
        return HubId.IsCommit(commit) ? commit : null;
    }

    /// <summary>False if links cannot be made here, or not by this user.</summary>
    private static bool TryLink(string file, string target)
    {
        try
        {
            // A link whose blob was deleted is no file, but in the way.
            if (new FileInfo(file).LinkTarget is not null)
                File.Delete(file);
            File.CreateSymbolicLink(file, target);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            // Another process may have made it first.
            return IsFile(file);
        }
    }

    /// <summary>Whether a path is a file, or a link to one: for .NET a link that leads nowhere exists, too.</summary>
    private static bool IsFile(string path) => FileStatus.Of(path) is { Kind: FileKind.Regular };

    private static void Copy(string from, Stream to)
    {
        using var source = File.OpenRead(from);
        source.CopyTo(to);
    }
}
