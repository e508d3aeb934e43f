using System.Runtime.InteropServices;

namespace ControlNet.ML.Internal;

/// <summary>
/// Folders that only the user, or the system's administrator, can write to; caches and temporary files are only put there. Such a folder
/// belongs to the user, is not a link, and others may not write to it; nor may others replace a folder on its path, or the target of a link
/// on its path: each belongs to the user or to root, and is writable by others only with the sticky bit, as /tmp is. On Windows, the access
/// list of the user's profile keeps others out.
/// </summary>
internal static partial class PrivateFolder
{
    private const uint Root = 0;
    private const int MostLinks = 16, AlreadyThere = 17; // EEXIST
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Creates a folder, if it does not exist, and its missing parents, for the user alone; then verifies it.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="UnauthorizedAccessException">It is not private, or access is denied.</exception>
    /// <exception cref="IOException">It cannot be created.</exception>
    public static void Create(string path)
    {
        Make(path);
        if (Fault(path, isOwn: true) is { } fault)
            throw new UnauthorizedAccessException(fault);
    }

    // Directory.CreateDirectory applies the mode only to the last folder, and creates folders inside those of others.
    private static void Make(string path)
    {
        if (Directory.Exists(path))
            return;
        if (Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))) is { } parent)
        {
            Make(parent);
            if (Fault(parent, isOwn: false) is { } fault)
                throw new UnauthorizedAccessException(fault);
        }

        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, OwnerOnly);
    }

    /// <summary>Creates a folder under a name that must not exist, not even as a link.</summary>
    /// <param name="path">The folder; its parent must exist.</param>
    /// <param name="isPrivate">Whether it is for the user alone, or with the usual permissions of the user's files.</param>
    /// <exception cref="IOException">The name already exists, or the folder cannot be created.</exception>
    public static void CreateNew(string path, bool isPrivate)
    {
        if (OperatingSystem.IsWindows())
        {
            if (Path.Exists(path))
                throw new IOException($"{path} already exists.");
            Directory.CreateDirectory(path);
            return;
        }

        const UnixFileMode All = (UnixFileMode)0x1FF; // rwxrwxrwx, less the user's umask
        if (MakeFolder(path, (uint)(isPrivate ? OwnerOnly : All)) == 0)
            return;
        var error = Marshal.GetLastPInvokeError();
        throw new IOException(
            error == AlreadyThere ? $"{path} already exists." : $"{path} cannot be created: {Marshal.GetPInvokeErrorMessage(error)}.");
    }

    /// <summary>Whether a folder exists and is private.</summary>
    public static bool IsPrivate(string path) => Directory.Exists(path) && Fault(path, isOwn: true) is null;

    /// <summary>Whether a file or folder, not a link to one, belongs to the user, and others may not write to it.</summary>
    /// <param name="path">Its path, in a private folder.</param>
    /// <param name="kind">The required type.</param>
    public static bool Owns(string path, FileKind kind) =>
        FileStatus.Of(path, followLinks: false) is { } status && status.Kind == kind
        && (OperatingSystem.IsWindows() || (status.Owner == FileStatus.CurrentUser && !OthersWrite(status)));

    /// <summary>Why a folder is not private, naming the path and a remedy; null if it is private.</summary>
    private static string? Fault(string path, bool isOwn)
    {
        if (OperatingSystem.IsWindows())
            return !isOwn || Owns(path, FileKind.Folder) ? null : $"{path} is not a folder";
        return Fault(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), FileStatus.CurrentUser, isOwn, links: 0);
    }

    /// <param name="path">The folder.</param>
    /// <param name="user">The required owner.</param>
    /// <param name="isOwn">Whether it must be private itself, or only is on the path to one that must be.</param>
    /// <param name="links">The number of links followed so far.</param>
    private static string? Fault(string path, uint user, bool isOwn, int links)
    {
        for (var end = 1; end <= path.Length; end++)
        {
            if (end != path.Length && end != 1 && path[end] != '/')
                continue;
            var place = path[..end];
            if (FileStatus.Of(place, followLinks: false) is not { } status)
                return $"{place} cannot be examined";
            var isLast = isOwn && end == path.Length;
            if (status.Owner != user && (isLast || status.Owner != Root))
                return $"{place} belongs to another user";
            switch (status.Kind)
            {
                case FileKind.Link when isLast:
                    return $"{place} is a link";
                case FileKind.Link when links == MostLinks:
                    return $"{path} has too many links";
                case FileKind.Link when new FileInfo(place).LinkTarget is { } target:
                    return Fault(Path.GetFullPath(target, Path.GetDirectoryName(place)!) + path[end..], user, isOwn, links + 1);
                case not FileKind.Folder:
                    return $"{place} is not a folder";
                default:
                    // The user's own group, with the same id as the user, has no other members by the convention of useradd; this makes a
                    // umask of 002 safe.
                    var isOwnGroup = !isLast && status.Group == user && user != Root;
                    var isShared = OthersWrite(isOwnGroup ? status with { Mode = status.Mode & ~UnixFileMode.GroupWrite } : status);
                    if (isShared && (isLast || !status.Mode.HasFlag(UnixFileMode.StickyBit)))
                        return $"others may write to {place} (chmod go-w helps)";
                    break;
            }
        }

        return null;
    }

    private static bool OthersWrite(FileStatus status) => (status.Mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0;

    [LibraryImport("libc", EntryPoint = "mkdir", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int MakeFolder(string path, uint mode);
}
