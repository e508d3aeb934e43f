using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp;

namespace ControlNet.ML.Soak;

/// <summary>What the process holds at one moment, after both heaps have given back what they can.</summary>
/// <param name="Resident">Memory, bytes.</param>
/// <param name="Managed">Of it the garbage collector's, bytes.</param>
/// <param name="Files">Open files and sockets; 0 where the system does not say.</param>
/// <param name="Threads">Threads.</param>
/// <param name="Tensors">Tensors that this thread made and nobody has freed, less those that it freed for others.</param>
internal sealed partial record Holding(long Resident, long Managed, int Files, int Threads, long Tensors)
{
    /// <summary>Looks now.</summary>
    public static Holding Now()
    {
        for (var i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        if (OperatingSystem.IsLinux())
            _ = MallocTrim(0);
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return new Holding(
            process.WorkingSet64,
            GC.GetTotalMemory(forceFullCollection: false),
            Directory.Exists("/proc/self/fd") ? Directory.GetFiles("/proc/self/fd").Length : 0,
            process.Threads.Count,
            DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    /// <summary>As a line of the report.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Resident / 1e6,7:0.0} MB resident, {Managed / 1e6,6:0.0} MB managed, {Files} files, {Threads} threads, {Tensors} tensors");

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nuint keep);
}
