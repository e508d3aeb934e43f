using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ControlNet.ML.Internal;

/// <summary>The type of a file system entry.</summary>
internal enum FileKind
{
    /// <summary>A regular file.</summary>
    Regular,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A symbolic link that was not followed.</summary>
    Link,

    /// <summary>A pipe, a socket or a device.</summary>
    Special,
}

/// <summary>A file's identity, independent of its path: hard links and different spellings of a path have the same identity.</summary>
/// <param name="Volume">The file system.</param>
/// <param name="Number">The file's number on it (inode).</param>
internal readonly record struct FileIdentity(ulong Volume, ulong Number);

/// <summary>The system's information about a file, beyond what .NET's API returns.</summary>
/// <param name="Kind">Its type.</param>
/// <param name="Identity">Its identity.</param>
/// <param name="Owner">The user id of its owner; 0 on Windows.</param>
/// <param name="Group">The group id; 0 on Windows.</param>
/// <param name="Mode">Its permissions; none on Windows.</param>
internal readonly partial record struct FileStatus(FileKind Kind, FileIdentity Identity, uint Owner, uint Group, UnixFileMode Mode)
{
    private const int TypeBits = 0xF000, RegularType = 0x8000, FolderType = 0x4000, LinkType = 0xA000, ModeBits = 0xFFF;

    /// <summary>The effective user id of this process. Not for Windows.</summary>
    public static uint CurrentUser => EffectiveUser();

    /// <summary>Gets the status of a path.</summary>
    /// <param name="path">The path.</param>
    /// <param name="followLinks">Whether to follow a link at the end of the path.</param>
    /// <returns>Null if it does not exist or cannot be examined.</returns>
    public static FileStatus? Of(string path, bool followLinks = true)
    {
        if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal))
            return null;
        if (OperatingSystem.IsWindows())
        {
            using var handle = OpenWindows(
                path,
                0,
                FileShare.ReadWrite | FileShare.Delete,
                0,
                FileMode.Open,
                BackupSemantics | (followLinks ? 0 : OpenReparsePoint),
                0);
            return handle.IsInvalid ? null : OfWindows(handle);
        }

        if (OperatingSystem.IsMacOS())
            return OfMac((followLinks ? StatMac(path, out var mac) : LinkStatMac(path, out mac)) == 0, mac);
        return StatLinux(CurrentFolder, path, followLinks ? 0 : NoFollow, BasicFields, out var linux) == 0 ? OfLinux(linux) : null;
    }

    /// <summary>Gets the status of an open file.</summary>
    /// <param name="handle">The file.</param>
    /// <returns>Null if it cannot be examined.</returns>
    public static FileStatus? Of(SafeFileHandle handle)
    {
        if (OperatingSystem.IsWindows())
            return OfWindows(handle);
        if (OperatingSystem.IsMacOS())
            return OfMac(HandleStatMac(handle, out var mac) == 0, mac);
        var isAdded = false;
        try
        {
            handle.DangerousAddRef(ref isAdded);
            return StatLinux((int)handle.DangerousGetHandle(), "", EmptyPath, BasicFields, out var linux) == 0 ? OfLinux(linux) : null;
        }
        finally
        {
            if (isAdded)
                handle.DangerousRelease();
        }
    }

    /// <summary>Whether two paths refer to the same file.</summary>
    public static bool AreSame(string first, string second) =>
        Of(first) is { } one && Of(second) is { } other && one.Identity == other.Identity;

    private static FileStatus OfUnix(int mode, ulong volume, ulong number, uint owner, uint group)
    {
        var kind = (mode & TypeBits) switch
        {
            RegularType => FileKind.Regular,
            FolderType => FileKind.Folder,
            LinkType => FileKind.Link,
            _ => FileKind.Special,
        };
        return new FileStatus(kind, new FileIdentity(volume, number), owner, group, (UnixFileMode)(mode & ModeBits));
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();
}
