using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Torch.Verification;

/// <summary>Caches the result of a check on this machine (<see cref="MachineCache"/>).</summary>
internal static class VerificationCache
{
    private const string Folder = "runtime";

    /// <summary>Whether oneDNN may be used, according to an earlier check; null if there was none.</summary>
    public static bool? Read(string key) => MachineCache.Read<bool?>(Folder, key);

    /// <summary>Stores the result of a check.</summary>
    public static void Write(string key, bool usesOneDnn) => MachineCache.Write<bool?>(Folder, key, usesOneDnn);

    /// <summary>Everything that the result depends on.</summary>
    public static string Key(RuntimeReport report) => string.Join(
        '|',
        report.Processor.Name,
        report.Processor.Model,
        string.Join(' ', report.Processor.InstructionSets),
        report.Processor.CachesAreHidden,
        report.HiddenCachesRepaired,
        report.LibtorchVersion,
        report.LibtorchKernels,
        report.OneDnnVersion,
        report.TorchSharpVersion,
        report.Threads,
        typeof(VerificationCache).Assembly.ManifestModule.ModuleVersionId,
        Environment.GetEnvironmentVariable("ONEDNN_MAX_CPU_ISA"),
        Environment.GetEnvironmentVariable("DNNL_MAX_CPU_ISA"),
        Environment.GetEnvironmentVariable("ATEN_CPU_CAPABILITY"),
        Environment.GetEnvironmentVariable(HiddenCaches.Variable));
}
