using System.Runtime.InteropServices;

namespace ControlNet.ML.Cli.Doctor;

/// <summary>The machine and this program, without the native runtimes.</summary>
internal sealed record MachineReport
{
    /// <summary>This program's version.</summary>
    public required string Version { get; init; }

    /// <summary>.NET's version.</summary>
    public required string DotNet { get; init; }

    /// <summary>Name and version of the operating system.</summary>
    public required string System { get; init; }

    /// <summary>The process architecture, for instance <c>X64</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>Cores that this process may use.</summary>
    public required int Cores { get; init; }

    /// <summary>Physical memory; null if unknown.</summary>
    public required long? MemoryBytes { get; init; }

    /// <summary>The memory limit of this process, set by its container or the system.</summary>
    public required long MemoryLimitBytes { get; init; }

    /// <summary>The first cache folder that is writable, and by this user only; null if there is none.</summary>
    public required string? CacheFolder { get; init; }

    /// <summary>Free space in the cache folder.</summary>
    public required long? CacheFreeBytes { get; init; }

    /// <summary>Describes this machine.</summary>
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

    /// <summary>Tries to write a file, which fails alike for missing permissions, a read-only file system and a full disk.</summary>
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
