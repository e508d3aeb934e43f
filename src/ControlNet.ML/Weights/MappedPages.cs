using System.Runtime.InteropServices;

namespace ControlNet.ML.Weights;

/// <summary>Gives pages of a mapped file back to the system after they were read: they would count as the program's own memory until it is short.</summary>
internal static partial class MappedPages
{
    private const int DontNeed = 4;

    /// <summary>Releases the whole pages inside a range. The bytes stay readable: touching them reads the file again. Does nothing on Windows, which trims by itself.</summary>
    /// <param name="address">First byte.</param>
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
