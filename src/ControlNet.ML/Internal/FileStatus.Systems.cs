using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ControlNet.ML.Internal;

/// <summary>The calls of each system.</summary>
internal readonly partial record struct FileStatus
{
    // Linux: unlike stat, statx has the same layout on every processor.
    private const int CurrentFolder = -100, NoFollow = 0x100, EmptyPath = 0x1000; // AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH
    private const uint BasicFields = 0x7ff; // STATX_BASIC_STATS

    // Windows.
    private const int BackupSemantics = 0x02000000, OpenReparsePoint = 0x00200000;

    private static FileStatus OfLinux(in LinuxStatus status) =>
        OfUnix(status.Mode, ((ulong)status.DeviceMajor << 32) | status.DeviceMinor, status.Number, status.Owner, status.Group);

    private static FileStatus? OfMac(bool isKnown, in MacStatus status) =>
        isKnown ? OfUnix(status.Mode, status.Device, status.Number, status.Owner, status.Group) : null;

    private static FileStatus? OfWindows(SafeFileHandle handle)
    {
        if (!InformationWindows(handle, out var status))
            return null;
        var attributes = (FileAttributes)status.Attributes;
        var kind = attributes.HasFlag(FileAttributes.ReparsePoint) ? FileKind.Link
            : attributes.HasFlag(FileAttributes.Directory) ? FileKind.Folder
            : FileKind.Regular;
        return new FileStatus(
            kind, new FileIdentity(status.Volume, ((ulong)status.NumberHigh << 32) | status.NumberLow), 0, 0, UnixFileMode.None);
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatLinux(int folder, string path, int flags, uint fields, out LinuxStatus status);

    [LibraryImport("libc", EntryPoint = "stat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatMacArm(string path, out MacStatus status);

    [LibraryImport("libc", EntryPoint = "lstat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LinkStatMacArm(string path, out MacStatus status);

    [LibraryImport("libc", EntryPoint = "fstat")]
    private static partial int HandleStatMacArm(SafeFileHandle handle, out MacStatus status);

    // On Intel Macs, the plain names are the old calls without 64-bit inodes.
    [LibraryImport("libc", EntryPoint = "stat$INODE64", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatMacIntel(string path, out MacStatus status);

    [LibraryImport("libc", EntryPoint = "lstat$INODE64", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LinkStatMacIntel(string path, out MacStatus status);

    [LibraryImport("libc", EntryPoint = "fstat$INODE64")]
    private static partial int HandleStatMacIntel(SafeFileHandle handle, out MacStatus status);

    private static bool IsIntel => RuntimeInformation.ProcessArchitecture == Architecture.X64;

    private static int StatMac(string path, out MacStatus status) =>
        IsIntel ? StatMacIntel(path, out status) : StatMacArm(path, out status);

    private static int LinkStatMac(string path, out MacStatus status) =>
        IsIntel ? LinkStatMacIntel(path, out status) : LinkStatMacArm(path, out status);

    private static int HandleStatMac(SafeFileHandle handle, out MacStatus status) =>
        IsIntel ? HandleStatMacIntel(handle, out status) : HandleStatMacArm(handle, out status);

    [LibraryImport("kernel32", EntryPoint = "CreateFileW", StringMarshalling = StringMarshalling.Utf16)]
    private static partial SafeFileHandle OpenWindows(
        string path, uint access, FileShare share, nint security, FileMode mode, int flags, nint template);

    [LibraryImport("kernel32", EntryPoint = "GetFileInformationByHandle")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool InformationWindows(SafeFileHandle handle, out WindowsStatus status);

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct LinuxStatus
    {
        [FieldOffset(20)]
        public uint Owner;
        [FieldOffset(24)]
        public uint Group;
        [FieldOffset(28)]
        public ushort Mode;
        [FieldOffset(32)]
        public ulong Number;
        [FieldOffset(136)]
        public uint DeviceMajor;
        [FieldOffset(140)]
        public uint DeviceMinor;
    }

    [StructLayout(LayoutKind.Explicit, Size = 144)]
    private struct MacStatus
    {
        [FieldOffset(0)]
        public uint Device;
        [FieldOffset(4)]
        public ushort Mode;
        [FieldOffset(8)]
        public ulong Number;
        [FieldOffset(16)]
        public uint Owner;
        [FieldOffset(20)]
        public uint Group;
    }

    [StructLayout(LayoutKind.Explicit, Size = 52)]
    private struct WindowsStatus
    {
        [FieldOffset(0)]
        public uint Attributes;
        [FieldOffset(28)]
        public uint Volume;
        [FieldOffset(44)]
        public uint NumberHigh;
        [FieldOffset(48)]
        public uint NumberLow;
    }
}
