using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Torch.Verification;

/// <summary>
/// Caches the result of a check on this machine for the user: a small file for each processor, set of libraries and environment that can
/// change the result. If no folder is writable, each start checks again.
/// </summary>
internal static class VerificationCache
{
    private const string Folder = "runtime";

    /// <summary>Whether oneDNN may be used, according to an earlier check; null if there was none.</summary>
    public static bool? Read(string key)
    {
        foreach (var folder in UserCache.Folders(Folder).Where(PrivateFolder.IsPrivate))
        {
            try
            {
                var path = PathOf(folder, key);
                if (File.Exists(path) && JsonSerializer.Deserialize<Entry>(File.ReadAllBytes(path)) is { } entry && entry.Key == key)
                    return entry.UsesOneDnn;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
            {
                // A damaged entry counts as missing.
            }
        }

        return null;
    }

    /// <summary>Stores the result of a check in the first writable folder.</summary>
    public static void Write(string key, bool usesOneDnn) => UserCache.Use(UserCache.Folders(Folder), folder =>
    {
        AtomicFile.WriteCache(PathOf(folder, key), file => JsonSerializer.Serialize(file, new Entry(key, usesOneDnn)));
        return true;
    });

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

    private static string PathOf(string folder, string key) =>
        Path.Combine(folder, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..32]}.json");

    private sealed record Entry(string Key, bool UsesOneDnn);
}
