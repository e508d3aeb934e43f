using System.Globalization;

namespace ControlNet.ML.Torch.Native;

/// <summary>The memory that this process can still get from the machine, or from its container.</summary>
internal static class FreeMemory
{
    /// <summary>
    /// Free bytes: on Linux, what the kernel can give without killing a process, with swap; elsewhere, all memory minus this process's.
    /// </summary>
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

    /// <summary>The sum of MemAvailable and SwapFree in /proc/meminfo.</summary>
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
    /// Free bytes of a control group (version 2, as a container sees its own at the root): its limit minus its usage, without the file
    /// cache that the kernel can drop. Without a limit it is <see cref="long.MaxValue"/>.
    /// </summary>
    internal static long OfGroup(string folder)
    {
        var (max, current, stat) = (
            Path.Combine(folder, "memory.max"), Path.Combine(folder, "memory.current"), Path.Combine(folder, "memory.stat"));
        if (!File.Exists(max)
            || !long.TryParse(
                File.ReadAllText(max), NumberStyles.Integer, CultureInfo.InvariantCulture, out var limit) || !File.Exists(current))
            return long.MaxValue;
        var droppable = File.Exists(stat)
            ? File.ReadLines(stat).Where(line => line.StartsWith("inactive_file ", StringComparison.Ordinal))
                .Sum(line => long.Parse(line.AsSpan(14), CultureInfo.InvariantCulture))
            : 0;
        return Math.Max(0, limit - long.Parse(File.ReadAllText(current), CultureInfo.InvariantCulture) + droppable);
    }
}
