using System.Diagnostics;
using System.Globalization;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>Physical memory of this process.</summary>
internal static class ProcessMemory
{
    /// <summary>Peak memory in bytes.</summary>
    public static long Peak() => Status("VmHWM") ?? Refreshed().PeakWorkingSet64;

    /// <summary>Current memory in bytes.</summary>
    public static long Now() => Status("VmRSS") ?? Refreshed().WorkingSet64;

    /// <summary>Resets the peak to the current memory, on Linux; elsewhere the peak stays.</summary>
    public static void ForgetPeak()
    {
        if (OperatingSystem.IsLinux())
            File.WriteAllText("/proc/self/clear_refs", "5");
    }

    private static Process Refreshed()
    {
        var process = Process.GetCurrentProcess();
        process.Refresh();
        return process;
    }

    private static long? Status(string key)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith(key + ":", StringComparison.Ordinal));
        return line is null ? null : long.Parse(line[(key.Length + 1)..^2].Trim(), CultureInfo.InvariantCulture) * 1024;
    }
}
