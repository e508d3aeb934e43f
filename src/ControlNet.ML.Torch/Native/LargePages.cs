using System.Runtime.InteropServices;

namespace ControlNet.ML.Torch.Native;

/// <summary>
/// Asks Linux for pages of 2 MB for large tensors before they are first written. Most of the time of loading a model goes into the first
/// touch of its pages, of which there are then 512 times fewer.
/// </summary>
internal static partial class LargePages
{
    private const int HugePage = 14;
    private const long Smallest = 1 << 22;

    /// <summary>Advises the whole pages inside a range; does nothing elsewhere, or where the system has them switched off.</summary>
    /// <param name="address">Address of the first byte.</param>
    /// <param name="length">Number of bytes.</param>
    public static void Advise(nint address, long length)
    {
        if (!OperatingSystem.IsLinux() || length < Smallest)
            return;
        long page = Environment.SystemPageSize;
        var start = (address + page - 1) / page * page;
        var end = (address + length) / page * page;
        if (end > start)
            _ = Advise((nint)start, (nuint)(end - start), HugePage);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
