using System.Runtime.InteropServices;
using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Torch.Tests.Native;

/// <summary>Libraries that were changed in memory, tried with a small one of the runtime's.</summary>
public sealed class AdaptedLibraryTests
{
    private const string Name = "libSystem.IO.Compression.Native.so", Export = "CompressionNative_Crc32";

    private static byte[] Library()
    {
        var path = Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), Name);
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists(path), "Libraries are adapted on Linux only.");
        return File.ReadAllBytes(path);
    }

    [Fact]
    public void It_is_loaded_from_memory()
    {
        var (one, other) = (AdaptedLibrary.LoadFromMemory(Name, Library()), AdaptedLibrary.LoadFromMemory(Name, Library()));
        Assert.SkipWhen(one == 0, "This system runs no files in memory.");
        Assert.NotEqual(one, other);
        Assert.True(NativeLibrary.TryGetExport(one, Export, out _));
        Assert.Contains(File.ReadLines("/proc/self/maps"), line => line.Contains($"/memfd:{Name}", StringComparison.Ordinal));
    }

    [Fact]
    public void Or_from_a_folder_that_is_gone_afterwards()
    {
        Assert.True(NativeLibrary.TryGetExport(AdaptedLibrary.LoadFromFolder(Name, Library()), Export, out _));
        var mapped = File.ReadLines("/proc/self/maps").First(line => line.Contains(".part/" + Name, StringComparison.Ordinal));
        Assert.EndsWith("(deleted)", mapped, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.GetDirectoryName(mapped[mapped.IndexOf('/', StringComparison.Ordinal)..])));
    }

    [Fact]
    public void What_is_no_library_is_named_and_nothing_that_was_loaded_before_stands_for_it()
    {
        AdaptedLibrary.Load(Name, Library());
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Contains(Name, Assert.Throws<ControlNetException>(() => AdaptedLibrary.Load(Name, "no library"u8)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_file_that_anyone_could_exchange_is_loaded_for_TorchSharp()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Libraries are adapted on Linux only.");
        TorchNative.EnsureLoaded();
        Assert.SkipUnless(TorchNative.LibraryAdapted, "It loads here as it is.");
        var mapped = File.ReadLines("/proc/self/maps").Where(line => line.Contains("LibTorchSharp", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(mapped);
        Assert.All(mapped, line => Assert.Contains("/memfd:", line, StringComparison.Ordinal));
    }
}
