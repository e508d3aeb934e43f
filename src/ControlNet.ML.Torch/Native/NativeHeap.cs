using System.Runtime.InteropServices;

namespace ControlNet.ML.Torch.Native;

/// <summary>The heap that libtorch allocates from.</summary>
internal static partial class NativeHeap
{
    /// <summary>
    /// Gives free memory back to the system. glibc keeps freed blocks below 32 MB for later, half a gigabyte after a step of Stable
    /// Diffusion, and the peak of what comes next would stand on top of them. Does nothing where the heap is another.
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
            // musl has no such call and keeps nothing back.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nuint keep);
}
