using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Native;

/// <summary>
/// Sets oneDNN's sizes of the processor's caches where a hypervisor hides them.
/// <para>
/// On AMD processors oneDNN 3.7.1 (libtorch 2.10) reads the caches from CPUID leaf 0x8000001D. Many micro virtual machines leave it empty;
/// oneDNN then computes (0 + 1) · (0 + 1) · (0 + 1) · (0 + 1) = 1 byte as the size of each cache. Its conversion between memory layouts
/// splits what exceeds the first cache, that is everything, and leaves parts of blocks unwritten where a dimension ends in a partial block.
/// Convolutions and their gradients then read uninitialised memory: wrong numbers, sometimes NaN, no error.
/// </para>
/// <para>
/// This class sets the three sizes to those that oneDNN itself assumes for unknown processors (<c>get_per_core_cache_size</c>), in its
/// own record of the processor, <c>dnnl::impl::cpu::x64::cpu()</c>. The record is found by its symbol; unless symbol, size and content are
/// exactly those of the fault, nothing is changed.
/// </para>
/// </summary>
internal static unsafe class HiddenCaches
{
    /// <summary>
    /// <c>leave</c> keeps the fault, to demonstrate it; <c>repair</c> checks oneDNN's record even if this processor's caches are not
    /// hidden.
    /// </summary>
    public const string Variable = "CONTROLNET_HIDDEN_CACHES";

    private const string Record = "_ZZN4dnnl4impl3cpu3x643cpuEvE4cpu_", Guard = "_ZGVZN4dnnl4impl3cpu3x643cpuEvE4cpu_",
    Anchor = "_ZN2at13globalContextEv";
    private const int RecordSize = 144, SizesAt = 0x1c, SharingAt = 0x44, LevelsAt = 0x6c;
    private const uint Levels = 3, SmallestCache = 1024;

    private static ReadOnlySpan<uint> Sizes => [32 << 10, 512 << 10, 1 << 20];

    /// <summary>Whether this is an AMD processor whose caches CPUID does not describe.</summary>
    public static bool AreHidden()
    {
        const uint AmdEbx = 0x68747541, HygonEbx = 0x6f677948; // "Auth…", "Hygo…"
        if (!X86Base.IsSupported || (uint)X86Base.CpuId(0, 0).Ebx is not (AmdEbx or HygonEbx))
            return false;
        const int LargestLeaf = unchecked((int)0x80000000), CacheLeaf = unchecked((int)0x8000001D);
        return (uint)X86Base.CpuId(LargestLeaf, 0).Eax < unchecked((uint)CacheLeaf) || (X86Base.CpuId(CacheLeaf, 0).Eax & 0x1f) == 0;
    }

    /// <summary>Repairs oneDNN's record if the caches are hidden. Called once, before the first network computes.</summary>
    /// <returns>Whether the record needed the repair and was repaired.</returns>
    public static bool Repair()
    {
        var choice = Environment.GetEnvironmentVariable(Variable);
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64
            || choice == "leave" || (choice != "repair" && !AreHidden()))
        {
            return false;
        }

        return Find() is var record and not null && SetSizes(record);
    }

    private static byte* Find()
    {
        if (NativeLibraries.Find("libtorch_cpu.so") is not { } path || TorchContext.Export(Anchor) is not (var anchor and not 0))
            return null;
        IReadOnlyDictionary<string, (long Address, long Size)> symbols;
        try
        {
            symbols = ElfSymbols.Find(path, Record, Guard, Anchor);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return null;
        }

        if (symbols.Count < 3 || symbols[Record].Size != RecordSize)
            return null;

        var start = (byte*)anchor - symbols[Anchor].Address;
        Touch();
        return start[symbols[Guard].Address] == 1 ? start + symbols[Record].Address : null;
    }

    /// <summary>
    /// Makes oneDNN create its record, which it does at its first use. The image is 1x1, a size that no network has, since oneDNN caches
    /// its plans by size.
    /// </summary>
    private static void Touch()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        functional.conv2d(zeros(1, 16, 1, 1), zeros(16, 16, 1, 1), strides: [2, 2]);
    }

    private static bool SetSizes(byte* record)
    {
        var sizes = (uint*)(record + SizesAt);
        var sharing = (uint*)(record + SharingAt);
        if (*(uint*)(record + LevelsAt) != Levels || sizes[0] >= SmallestCache)
            return false;
        for (var level = 0; level < Levels; level++)
            (sizes[level], sharing[level]) = (Sizes[level], 1);
        return true;
    }
}
