using System.Runtime.InteropServices;

namespace ControlNet.ML.Cli.Doctor;

/// <summary>The machine and this program, apart from the runtimes.</summary>
internal sealed record MachineReport
{
    /// <summary>This program's version.</summary>
    public required string Version { get; init; }

    /// <summary>.NET's version.</summary>
    public required string DotNet { get; init; }

    /// <summary>Name and version of the operating system.</summary>
    public required string System { get; init; }

    /// <summary>Of this process, <c>X64</c> for instance.</summary>
    public required string Architecture { get; init; }

    /// <summary>Cores that this process may use.</summary>
    public required int Cores { get; init; }

    /// <summary>Physical memory; null where it is not known.</summary>
    public required long? MemoryBytes { get; init; }

    /// <summary>What a container or the system leaves to this process.</summary>
    public required long MemoryLimitBytes { get; init; }

    /// <summary>The first cache folder that can be written, by this user alone; null if none can.</summary>
    public required string? CacheFolder { get; init; }

    /// <summary>Free space there.</summary>
    public required long? CacheFreeBytes { get; init; }

    /// <summary>This machine's.</summary>
    public static MachineReport Read()
    {
        var folder = UserCache.Folders("runtime").FirstOrDefault(CanWrite);
        return new MachineReport
        {
            Version = AssemblyVersion.Of(typeof(MachineReport).Assembly),
            DotNet = Environment.Version.ToString(),
            System = RuntimeInformation.OSDescription,
            Architecture = RuntimeInformation.ProcessArchitecture.ToString(),
            Cores = Environment.ProcessorCount,
            MemoryBytes = PhysicalMemory(),
            MemoryLimitBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            CacheFolder = folder is null ? null : Path.GetDirectoryName(folder),
            CacheFreeBytes = folder is null ? null : FreeSpace(folder),
        };
    }

    /// <summary>By writing: permissions, read-only file systems and full disks answer alike.</summary>
    private static bool CanWrite(string folder)
    {
        try
        {
            PrivateFolder.Create(folder);
            var probe = Path.Combine(folder, $".{Path.GetRandomFileName()}");
            using var file = new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
            file.WriteByte(0);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static long? FreeSpace(string folder)
    {
        try
        {
            return new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private static long? PhysicalMemory()
    {
        const string Source = "/proc/meminfo", Key = "MemTotal:";
        var line = File.Exists(Source) ? File.ReadLines(Source).FirstOrDefault(l => l.StartsWith(Key, StringComparison.Ordinal)) : null;
        var number = line?[Key.Length..].Replace("kB", "", StringComparison.Ordinal);
        return long.TryParse(number, out var kibibytes) ? kibibytes * 1024 : null;
    }
}
