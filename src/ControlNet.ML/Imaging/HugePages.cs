using System.Runtime.InteropServices;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Asks for the memory of a large image in pages of 2 MB where Linux gives them only to who asks: the first write to an image in pages
/// of 4 KB can take longer than the filter that fills it. NumPy asks for its arrays likewise.
/// </summary>
internal static partial class HugePages
{
    private const int WorthIt = 2 << 20;
    private const int Advice = 14; // MADV_HUGEPAGE

    /// <summary>Asks for them. Does nothing for small arrays, on other systems, or where the kernel has none.</summary>
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

    // Only the pages that lie in the array as a whole. A refusal costs nothing but time.
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
