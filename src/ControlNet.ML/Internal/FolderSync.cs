using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ControlNet.ML.Internal;

/// <summary>
/// Brings a folder's entries to the disk. Flushing a file keeps its bytes; that it has its new name, after a rename, is the folder's, and
/// without this a loss of power may bring the old name back. NTFS keeps a journal of names, so Windows needs nothing.
/// </summary>
internal static partial class FolderSync
{
    private const int ReadOnly = 0;

    /// <summary>Flushes a folder. What does not know such a thing, as some network drives, is left as it is.</summary>
    /// <param name="folder">The folder; empty for the current one.</param>
    public static void Flush(string? folder)
    {
        if (OperatingSystem.IsWindows())
            return;

        // .NET's own calls refuse to open folders.
        using var handle = new SafeFileHandle(Open(string.IsNullOrEmpty(folder) ? "." : folder, ReadOnly), ownsHandle: true);
        if (!handle.IsInvalid)
            _ = Synchronize(handle);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Synchronize(SafeFileHandle file);
}
