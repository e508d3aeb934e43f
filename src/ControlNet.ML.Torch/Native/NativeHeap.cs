using System.Runtime.InteropServices;

namespace ControlNet.ML.Torch.Native;

/// <summary>The heap that libtorch allocates from.</summary>
internal static partial class NativeHeap
{
    /// <summary>
    /// Returns free memory to the system. glibc keeps freed blocks below 32 MB, half a gigabyte after a step of Stable
    /// Diffusion, which would add to the next peak. Does nothing for other heaps.
    /// </summary>
    public static void Trim()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            _ = MallocTrim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // musl has no such call and keeps no freed memory.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nuint keep);
}
