using System.Runtime.InteropServices;

namespace ControlNet.ML.Weights;

/// <summary>
/// Releases pages of a mapped file after they were read; otherwise they count as the process's memory until the system needs it.
/// </summary>
internal static partial class MappedPages
{
    private const int DontNeed = 4;

    /// <summary>
    /// Releases the whole pages inside a range. The bytes stay readable: accessing them reads the file again. Does nothing on Windows,
    /// which trims by itself.
    /// </summary>
    /// <param name="address">Address of the first byte.</param>
    /// <param name="length">Number of bytes.</param>
    public static void Release(nint address, long length)
    {
        if (OperatingSystem.IsWindows())
            return;
        long page = Environment.SystemPageSize;
        var start = (address + page - 1) / page * page;
        var end = (address + length) / page * page;
        if (end > start)
            _ = Advise((nint)start, (nuint)(end - start), DontNeed);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
