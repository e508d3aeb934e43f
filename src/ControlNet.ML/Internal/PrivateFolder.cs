using System.Runtime.InteropServices;

namespace ControlNet.ML.Internal;

/// <summary>
/// Folders whose contents only the user, and the system's administrator, can have put there: caches and temporary files go nowhere else.
/// Such a folder belongs to the user, is not a link, and nobody else may write to it; and nobody else may exchange a folder on the way to it,
/// or the target of a link on the way: each belongs to the user or to root, and others may write to it only under the sticky bit of /tmp.
/// On Windows it is the access list of the user's profile that keeps others out.
/// </summary>
internal static partial class PrivateFolder
{
    private const uint Root = 0;
    private const int MostLinks = 16, AlreadyThere = 17; // EEXIST
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Makes a folder, if it is not there, and what is missing on the way to it, for the user alone; then verifies it.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="UnauthorizedAccessException">It is not private, or may not be made.</exception>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static void Create(string path)
    {
        Make(path);
        if (Fault(path, isOwn: true) is { } fault)
            throw new UnauthorizedAccessException(fault);
    }

    // Directory.CreateDirectory gives the mode to the last folder only, and puts folders into those of others.
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

    /// <summary>Makes a folder that must not be there yet, not even as a link.</summary>
    /// <param name="path">The folder; the one that it is made in has to be there.</param>
    /// <param name="isPrivate">Whether it is for the user alone, else for whom the user's files usually are.</param>
    /// <exception cref="IOException">There is something under the name, or it cannot be made.</exception>
    public static void CreateNew(string path, bool isPrivate)
    {
        if (OperatingSystem.IsWindows())
        {
            if (Path.Exists(path))
                throw new IOException($"{path} is already there.");
            Directory.CreateDirectory(path);
            return;
        }

        const UnixFileMode All = (UnixFileMode)0x1FF; // rwxrwxrwx, less the user's umask
        if (MakeFolder(path, (uint)(isPrivate ? OwnerOnly : All)) == 0)
            return;
        var error = Marshal.GetLastPInvokeError();
        throw new IOException(error == AlreadyThere ? $"{path} is already there." : $"{path} cannot be made: {Marshal.GetPInvokeErrorMessage(error)}.");
    }

    /// <summary>Whether a folder is there and private.</summary>
    public static bool IsPrivate(string path) => Directory.Exists(path) && Fault(path, isOwn: true) is null;

    /// <summary>Whether a file or folder, itself and not by a link, is the user's, and nobody else may write to it.</summary>
    /// <param name="path">Its name, in a private folder.</param>
    /// <param name="kind">What it has to be.</param>
    public static bool Owns(string path, FileKind kind) =>
        FileStatus.Of(path, followLinks: false) is { } status && status.Kind == kind
        && (OperatingSystem.IsWindows() || (status.Owner == FileStatus.CurrentUser && !OthersWrite(status)));

    /// <summary>Why a folder is not private, naming the place and what would help; or null.</summary>
    private static string? Fault(string path, bool isOwn)
    {
        if (OperatingSystem.IsWindows())
            return !isOwn || Owns(path, FileKind.Folder) ? null : $"{path} is not a folder";
        return Fault(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), FileStatus.CurrentUser, isOwn, links: 0);
    }

    /// <param name="path">The folder.</param>
    /// <param name="user">Whose it has to be.</param>
    /// <param name="isOwn">Whether it is to be private itself, or only lies on the way to one that is.</param>
    /// <param name="links">How many links led here.</param>
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
                    // A group of the user's own number has the user alone, by the convention of useradd: what makes a umask of 002 safe.
                    var isShared = isLast ? OthersWrite(status)
                        : OthersWrite(status with { Mode = status.Group == user && user != Root ? status.Mode & ~UnixFileMode.GroupWrite : status.Mode });
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
