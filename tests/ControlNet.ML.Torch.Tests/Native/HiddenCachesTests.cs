using System.Runtime.InteropServices;
using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Torch.Tests.Native;

/// <summary>
/// What the repair relies on in this version of libtorch. Whether it repairs is shown by scripts/test-hidden-caches.sh, on a libtorch that
/// finds the caches hidden.
/// </summary>
public sealed class HiddenCachesTests
{
    private const string Record = "_ZZN4dnnl4impl3cpu3x643cpuEvE4cpu_", Exported = "_ZN2at13globalContextEv";

    public HiddenCachesTests() => TorchNative.EnsureLoaded();

    private static bool IsConcerned => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    [Fact]
    public void The_record_of_the_processor_is_where_and_as_large_as_expected()
    {
        Assert.SkipUnless(IsConcerned, "oneDNN's caches are repaired on Linux x64 only.");

        var symbols = ElfSymbols.Find(NativeLibraries.Find("libtorch_cpu.so")!, Record, Exported, "no_such_symbol");

        Assert.Equal(2, symbols.Count);
        Assert.Equal(144, symbols[Record].Size);
        Assert.NotEqual(0, TorchContext.Export(Exported));
    }

    [Fact]
    public void A_file_that_is_no_library_or_a_cut_one_is_refused()
    {
        using var folder = new TemporaryFolder();
        var text = folder.File("text.so");
        File.WriteAllText(text, new string('x', 100));
        Assert.Throws<InvalidDataException>(() => ElfSymbols.Find(text, Record));

        Assert.SkipUnless(IsConcerned, "There is no ELF library to cut.");
        var cut = folder.File("cut.so");
        using (var source = File.OpenRead(NativeLibraries.Find("libc10.so")!))
        using (var target = File.Create(cut))
        {
            var start = new byte[4096];
            source.ReadExactly(start);
            target.Write(start);
        }

        Assert.Throws<InvalidDataException>(() => ElfSymbols.Find(cut, Record));
    }

    [Fact]
    public void Nnpack_whose_only_trace_are_lines_on_the_terminal_is_not_asked()
    {
        Assert.SkipUnless(IsConcerned, "libtorch's settings were looked up on Linux x64 only.");
        Assert.False(TorchContext.UsesNnpack);
    }

    [Fact]
    public void One_dnn_can_be_switched_off_and_on()
    {
        Assert.SkipUnless(IsConcerned, "libtorch's settings were looked up on Linux x64 only.");
        Assert.True(TorchContext.UsesOneDnn);
        try
        {
            Assert.True(TorchContext.UseOneDnn(false));
            Assert.False(TorchContext.UsesOneDnn);
        }
        finally
        {
            TorchContext.UseOneDnn(true);
        }

        Assert.True(TorchContext.UsesOneDnn);
        Assert.StartsWith("3.", TorchContext.OneDnnVersion(), StringComparison.Ordinal);
    }
}
