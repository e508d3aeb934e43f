using System.Globalization;

namespace ControlNet.ML.Torch.Native;

/// <summary>How much memory a process can still get, of the machine's or of the container's that it runs in.</summary>
internal static class FreeMemory
{
    /// <summary>Bytes: on Linux what the kernel can give without killing anyone, swap included; elsewhere all memory less this process's.</summary>
    public static long Bytes
    {
        get
        {
            var limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            if (!OperatingSystem.IsLinux())
                return Math.Max(0, limit - Environment.WorkingSet);
            try
            {
                return Math.Min(OfMachine(File.ReadLines("/proc/meminfo")), OfGroup("/sys/fs/cgroup"));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
            {
                return Math.Max(0, limit - Environment.WorkingSet);
            }
        }
    }

    /// <summary>Of the lines of /proc/meminfo: MemAvailable and SwapFree.</summary>
    internal static long OfMachine(IEnumerable<string> lines)
    {
        long free = 0;
        foreach (var line in lines)
        {
            if (line.StartsWith("MemAvailable:", StringComparison.Ordinal) || line.StartsWith("SwapFree:", StringComparison.Ordinal))
                free += 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }

        return free > 0 ? free : long.MaxValue;
    }

    /// <summary>
    /// Of a control group (version 2, as a container sees its own at the root): its limit less what it uses, the file cache that the kernel can drop
    /// not counted. No limit is <see cref="long.MaxValue"/>.
    /// </summary>
    internal static long OfGroup(string folder)
    {
        var (max, current, stat) = (Path.Combine(folder, "memory.max"), Path.Combine(folder, "memory.current"), Path.Combine(folder, "memory.stat"));
        if (!File.Exists(max) || !long.TryParse(File.ReadAllText(max), NumberStyles.Integer, CultureInfo.InvariantCulture, out var limit) || !File.Exists(current))
            return long.MaxValue;
        var droppable = File.Exists(stat)
            ? File.ReadLines(stat).Where(line => line.StartsWith("inactive_file ", StringComparison.Ordinal)).Sum(line => long.Parse(line.AsSpan(14), CultureInfo.InvariantCulture))
            : 0;
        return Math.Max(0, limit - long.Parse(File.ReadAllText(current), CultureInfo.InvariantCulture) + droppable);
    }
}
