using System.Runtime.InteropServices;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Requests huge pages of 2 MB for the memory of a large image, on Linux systems that only give them on request: the first write to an
/// image in 4 KB pages can take longer than the filter that writes it. NumPy does the same for its arrays.
/// </summary>
internal static partial class HugePages
{
    private const int WorthIt = 2 << 20;
    private const int Advice = 14; // MADV_HUGEPAGE

    /// <summary>Requests huge pages. Does nothing for small arrays, on other systems, or if the kernel has none.</summary>
    public static void Advise(byte[] samples)
    {
        if (samples.Length < WorthIt || !OperatingSystem.IsLinux())
            return;

        try
        {
            Advise(samples.AsSpan());
        }
        catch (TypeLoadException)
        {
            // This Linux has no such call.
        }
    }

    // Only the pages that are entirely in the array. If the request fails, it only costs time.
    private static unsafe void Advise(Span<byte> samples)
    {
        fixed (byte* first = samples)
        {
            var page = (nint)Environment.SystemPageSize;
            var start = ((nint)first + page - 1) / page * page;
            var end = ((nint)first + samples.Length) / page * page;
            _ = MemoryAdvise(start, (nuint)(end - start), Advice);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MemoryAdvise(nint address, nuint length, int advice);
}
