using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ControlNet.ML.Internal;

/// <summary>What lies under a name.</summary>
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

/// <summary>A file itself, whatever it is called: two names of one file, be they links or spellings of a path, have one identity.</summary>
/// <param name="Volume">The file system.</param>
/// <param name="Number">The file's number there.</param>
internal readonly record struct FileIdentity(ulong Volume, ulong Number);

/// <summary>What the system says of a file: more than .NET's own calls tell.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Identity">Which it is.</param>
/// <param name="Owner">The number of the user it belongs to; 0 on Windows.</param>
/// <param name="Group">The number of its group; 0 on Windows.</param>
/// <param name="Mode">Who may do what with it; none on Windows.</param>
internal readonly partial record struct FileStatus(FileKind Kind, FileIdentity Identity, uint Owner, uint Group, UnixFileMode Mode)
{
    private const int TypeBits = 0xF000, RegularType = 0x8000, FolderType = 0x4000, LinkType = 0xA000, ModeBits = 0xFFF;

    /// <summary>The number of the user that this process acts for. Not for Windows.</summary>
    public static uint CurrentUser => EffectiveUser();

    /// <summary>Of a name.</summary>
    /// <param name="path">The name.</param>
    /// <param name="followLinks">Whether what a link refers to is meant, not the link.</param>
    /// <returns>Null where there is nothing, or nothing can be said of it.</returns>
    public static FileStatus? Of(string path, bool followLinks = true)
    {
        if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal))
            return null;
        if (OperatingSystem.IsWindows())
        {
            using var handle = OpenWindows(path, 0, FileShare.ReadWrite | FileShare.Delete, 0, FileMode.Open, BackupSemantics | (followLinks ? 0 : OpenReparsePoint), 0);
            return handle.IsInvalid ? null : OfWindows(handle);
        }

        if (OperatingSystem.IsMacOS())
            return OfMac((followLinks ? StatMac(path, out var mac) : LinkStatMac(path, out mac)) == 0, mac);
        return StatLinux(CurrentFolder, path, followLinks ? 0 : NoFollow, BasicFields, out var linux) == 0 ? OfLinux(linux) : null;
    }

    /// <summary>Of an open file.</summary>
    /// <param name="handle">The file.</param>
    /// <returns>Null where nothing can be said of it.</returns>
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

    /// <summary>Whether two names are those of one file.</summary>
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
