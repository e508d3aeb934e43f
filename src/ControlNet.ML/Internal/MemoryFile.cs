using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ControlNet.ML.Internal;

/// <summary>
/// A file in memory, for libraries that load only from a path. No other process can find it by name, it cannot be changed after its
/// creation, and it disappears with the process, however that ends.
/// </summary>
internal sealed partial class MemoryFile : IDisposable
{
    private const uint CloseOnExec = 1, AllowSealing = 2, NotExecutable = 8, Executable = 16; // MFD_…
    private const int AddSeals = 1033, NoChange = 15; // F_ADD_SEALS; F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE
    private readonly SafeFileHandle _handle;

    private MemoryFile(SafeFileHandle handle) => _handle = handle;

    /// <summary>Its path, valid only in this process.</summary>
    public string Path => $"/proc/self/fd/{_handle.DangerousGetHandle()}";

    /// <summary>Creates a file.</summary>
    /// <param name="name">A name, shown only by system tools.</param>
    /// <param name="content">The content.</param>
    /// <param name="isCode">Whether it contains code to execute.</param>
    /// <returns>Null if the system has no such files.</returns>
    public static MemoryFile? TryCreate(string name, ReadOnlySpan<byte> content, bool isCode)
    {
        if (!OperatingSystem.IsLinux() || !Directory.Exists("/proc/self/fd"))
            return null;
        SafeFileHandle? handle = null;
        try
        {
            // Linux before 6.3 refuses the executable flags, later versions may require one.
            const uint Flags = CloseOnExec | AllowSealing;
            handle = Create(name, Flags | (isCode ? Executable : NotExecutable));
            if (handle.IsInvalid)
                handle = Create(name, Flags);
            if (handle.IsInvalid)
                return null;
            RandomAccess.Write(handle, content, 0);
            if (Control(handle, AddSeals, NoChange) != 0)
                return null;
            var file = new MemoryFile(handle);
            handle = null;
            return file;
        }
        catch (Exception error) when (error is EntryPointNotFoundException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
        finally
        {
            handle?.Dispose();
        }
    }

    /// <summary>Releases it; what was loaded from it stays loaded.</summary>
    public void Dispose() => _handle.Dispose();

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Create(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(SafeFileHandle file, int command, int argument);
}
