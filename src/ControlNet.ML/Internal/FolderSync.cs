using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ControlNet.ML.Internal;

/// <summary>
/// Flushes a folder's entries to disk. Flushing a file secures its contents; its new name, after a rename, belongs to the folder, and
/// without this a power failure may restore the old one. NTFS journals names, so Windows needs nothing.
/// </summary>
internal static partial class FolderSync
{
    private const int ReadOnly = 0;

    /// <summary>Flushes a folder. Does nothing on file systems that do not support it, such as some network drives.</summary>
    /// <param name="folder">The folder; empty for the current one.</param>
    public static void Flush(string? folder)
    {
        if (OperatingSystem.IsWindows())
            return;

        // .NET's API refuses to open folders.
        using var handle = new SafeFileHandle(Open(string.IsNullOrEmpty(folder) ? "." : folder, ReadOnly), ownsHandle: true);
        if (!handle.IsInvalid)
            _ = Synchronize(handle);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Synchronize(SafeFileHandle file);
}
