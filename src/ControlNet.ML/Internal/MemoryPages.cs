using System.Runtime.InteropServices;

namespace ControlNet.ML.Internal;

/// <summary>Advice to the system about pages of memory (<c>madvise</c>). It changes no content, and may be disregarded.</summary>
internal static partial class MemoryPages
{
    private const int DontNeed = 4, HugePage = 14;
    private const long SmallestForLarge = 1 << 22;

    /// <summary>
    /// Releases pages of a mapped file after they were read; otherwise they count as the process's memory until the system needs it. The
    /// bytes stay readable: accessing them reads the file again. Does nothing on Windows, which trims by itself.
    /// </summary>
    /// <param name="address">Address of the first byte.</param>
    /// <param name="length">Number of bytes.</param>
    public static void Release(nint address, long length)
    {
        if (!OperatingSystem.IsWindows())
            Advise(address, length, DontNeed);
    }

    /// <summary>
    /// Asks Linux for pages of 2 MB, before memory is first written. Most of the time of loading a model goes into the first touch of its
    /// pages, of which there are then 512 times fewer.
    /// </summary>
    /// <param name="address">Address of the first byte.</param>
    /// <param name="length">Number of bytes; nothing is asked for less than 4 MB.</param>
    public static void MakeLarge(nint address, long length)
    {
        if (OperatingSystem.IsLinux() && length >= SmallestForLarge)
            Advise(address, length, HugePage);
    }

    /// <summary>Advises the whole pages inside a range.</summary>
    private static void Advise(nint address, long length, int advice)
    {
        long page = Environment.SystemPageSize;
        var start = (address + page - 1) / page * page;
        var end = (address + length) / page * page;
        if (end > start)
            _ = Madvise((nint)start, (nuint)(end - start), advice);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Madvise(nint address, nuint length, int advice);
}
