using System.Runtime.InteropServices;
using System.Text;

namespace ControlNet.ML.Torch.Native;

/// <summary>
/// Settings of libtorch (<c>at::globalContext()</c>) that TorchSharp 0.107 does not expose, called through symbols that libtorch's
/// library exports. If a symbol is not exported, nothing happens and the result says so.
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

    /// <summary>Whether libtorch uses oneDNN (MKL-DNN) for convolutions and other operations; null if unknown.</summary>
    public static bool? UsesOneDnn => Ask(UsesOneDnnName);

    /// <summary>Whether libtorch may use NNPACK; null if unknown.</summary>
    public static bool? UsesNnpack => Ask(UsesNnpackName);

    /// <summary>Chooses between oneDNN and libtorch's own kernels, for all threads, from the next operation on.</summary>
    /// <returns>Whether it could be set.</returns>
    public static bool UseOneDnn(bool use) => Tell(UseOneDnnName, use);

    /// <summary>
    /// Disables NNPACK in libtorch. oneDNN takes precedence wherever both support a convolution; on unknown processors
    /// NNPACK only prints "Could not initialize NNPACK" to the user's terminal.
    /// </summary>
    /// <returns>Whether it could be set.</returns>
    public static bool UseNnpack(bool use) => Tell(UseNnpackName, use);

    /// <summary>oneDNN's version, for instance <c>3.7.1</c>; null if unknown.</summary>
    public static string? OneDnnVersion()
    {
        // "Intel(R) MKL-DNN v3.7.1 (Git Hash 8d263e6…)"
        var text = Text("_ZN2at18get_mkldnn_versionB5cxx11Ev");
        var start = text?.IndexOf(" v", StringComparison.Ordinal) ?? -1;
        return start < 0 ? text : text![(start + 2)..].Split(' ', 2)[0];
    }

    /// <summary>The instruction set of libtorch's own kernels, for instance <c>AVX2</c>; null if unknown.</summary>
    public static string? CpuCapability() => Text("_ZN2at18get_cpu_capabilityB5cxx11Ev");

    /// <summary>The address of an exported name, or 0.</summary>
    public static nint Export(string name) => Handle != 0 && NativeLibrary.TryGetExport(Handle, name, out var address) ? address : 0;

    private static nint Load()
    {
        var name = OperatingSystem.IsWindows() ? "torch_cpu.dll" : OperatingSystem.IsMacOS() ? "libtorch_cpu.dylib" : "libtorch_cpu.so";

        // The loaded library: by its path if known, otherwise by its name, which the system's loader already knows.
        return (NativeLibraries.Find(name) is { } path && NativeLibrary.TryLoad(path, out var handle))
            || NativeLibrary.TryLoad(name, out handle) ? handle : 0;
    }

    private static nint Find((string Itanium, string Microsoft) name) =>
        Export(OperatingSystem.IsWindows() ? name.Microsoft : name.Itanium);

    private static nint Context() => Find(Global) is var function and not 0 ? ((delegate* unmanaged<nint>)function)() : 0;

    private static bool? Ask((string Itanium, string Microsoft) name) =>
        Find(name) is var function and not 0 && Context() is var context and not 0
            ? ((delegate* unmanaged<nint, byte>)function)(context) != 0
            : null;

    private static bool Tell((string Itanium, string Microsoft) name, bool value)
    {
        if (Find(name) is not (var function and not 0) || Context() is not (var context and not 0))
            return false;
        ((delegate* unmanaged<nint, byte, void>)function)(context, value ? (byte)1 : (byte)0);
        return true;
    }

    /// <summary>
    /// Calls a C++ function that returns a std::string, in libstdc++'s layout: pointer, length, 16 bytes for short strings.
    /// </summary>
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
