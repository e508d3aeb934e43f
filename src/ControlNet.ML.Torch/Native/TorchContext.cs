using System.Runtime.InteropServices;
using System.Text;

namespace ControlNet.ML.Torch.Native;

/// <summary>
/// Settings of libtorch (<c>at::globalContext()</c>) that TorchSharp 0.107 does not offer, called through the names that libtorch's own
/// library exports. Where a name is not exported, nothing happens and the answer says so.
/// </summary>
internal static unsafe class TorchContext
{
    private static readonly (string Itanium, string Microsoft)
        Global = ("_ZN2at13globalContextEv", "?globalContext@at@@YAAEAVContext@1@XZ"),
        UsesOneDnnName = ("_ZNK2at7Context17userEnabledMkldnnEv", "?userEnabledMkldnn@Context@at@@QEBA_NXZ"),
        UseOneDnnName = ("_ZN2at7Context20setUserEnabledMkldnnEb", "?setUserEnabledMkldnn@Context@at@@QEAAX_N@Z"),
        UsesNnpackName = ("_ZNK2at7Context17userEnabledNNPACKEv", "?userEnabledNNPACK@Context@at@@QEBA_NXZ"),
        UseNnpackName = ("_ZN2at7Context20setUserEnabledNNPACKEb", "?setUserEnabledNNPACK@Context@at@@QEAAX_N@Z");

    private static readonly Lazy<nint> Library = new(Load);

    /// <summary>The loaded library's handle, or 0.</summary>
    public static nint Handle => Library.Value;

    /// <summary>Whether libtorch takes oneDNN (MKL-DNN) for convolutions and more; null where that cannot be asked.</summary>
    public static bool? UsesOneDnn => Ask(UsesOneDnnName);

    /// <summary>Whether libtorch may take NNPACK; null where that cannot be asked.</summary>
    public static bool? UsesNnpack => Ask(UsesNnpackName);

    /// <summary>Chooses between oneDNN and libtorch's own kernels, for all threads, from the next operation on.</summary>
    /// <returns>Whether it could be set.</returns>
    public static bool UseOneDnn(bool use) => Tell(UseOneDnnName, use);

    /// <summary>
    /// Keeps libtorch from NNPACK. oneDNN comes before it wherever both could compute a convolution; on processors that it does not know
    /// NNPACK only prints "Could not initialize NNPACK" to the user's terminal.
    /// </summary>
    /// <returns>Whether it could be set.</returns>
    public static bool UseNnpack(bool use) => Tell(UseNnpackName, use);

    /// <summary>oneDNN's version, for instance <c>3.7.1</c>; null where it cannot be asked.</summary>
    public static string? OneDnnVersion()
    {
        // "Intel(R) MKL-DNN v3.7.1 (Git Hash 8d263e6…)"
        var text = Text("_ZN2at18get_mkldnn_versionB5cxx11Ev");
        var start = text?.IndexOf(" v", StringComparison.Ordinal) ?? -1;
        return start < 0 ? text : text![(start + 2)..].Split(' ', 2)[0];
    }

    /// <summary>The instruction set of libtorch's own kernels, for instance <c>AVX2</c>; null where it cannot be asked.</summary>
    public static string? CpuCapability() => Text("_ZN2at18get_cpu_capabilityB5cxx11Ev");

    /// <summary>The address of an exported name, or 0.</summary>
    public static nint Export(string name) => Handle != 0 && NativeLibrary.TryGetExport(Handle, name, out var address) ? address : 0;

    private static nint Load()
    {
        var name = OperatingSystem.IsWindows() ? "torch_cpu.dll" : OperatingSystem.IsMacOS() ? "libtorch_cpu.dylib" : "libtorch_cpu.so";

        // The loaded one: by its path where we know it, else by its name, which the system's loader already has.
        return (NativeLibraries.Find(name) is { } path && NativeLibrary.TryLoad(path, out var handle)) || NativeLibrary.TryLoad(name, out handle) ? handle : 0;
    }

    private static nint Find((string Itanium, string Microsoft) name) => Export(OperatingSystem.IsWindows() ? name.Microsoft : name.Itanium);

    private static nint Context() => Find(Global) is var function and not 0 ? ((delegate* unmanaged<nint>)function)() : 0;

    private static bool? Ask((string Itanium, string Microsoft) name) =>
        Find(name) is var function and not 0 && Context() is var context and not 0 ? ((delegate* unmanaged<nint, byte>)function)(context) != 0 : null;

    private static bool Tell((string Itanium, string Microsoft) name, bool value)
    {
        if (Find(name) is not (var function and not 0) || Context() is not (var context and not 0))
            return false;
        ((delegate* unmanaged<nint, byte, void>)function)(context, value ? (byte)1 : (byte)0);
        return true;
    }

    /// <summary>What a C++ function without arguments returns as std::string, in libstdc++'s layout: pointer, length, 16 bytes for short ones.</summary>
    private static string? Text(string name)
    {
        if (!OperatingSystem.IsLinux() || Export(name) is not (var function and not 0))
            return null;
        var result = stackalloc nint[4];
        ((delegate* unmanaged<nint*, nint*>)function)(result);
        var text = Encoding.UTF8.GetString((byte*)result[0], checked((int)result[1]));
        if (result[0] != (nint)(result + 2))
            NativeMemory.Free((void*)result[0]);
        return text;
    }
}
