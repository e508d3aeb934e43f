using System.Runtime.InteropServices;
using TorchSharp;

namespace ControlNet.ML.Torch.Native;

/// <summary>
/// Finds native libraries: next to the application, in its runtimes folder, or, in notebooks and scripts, in the
/// NuGet packages from which TorchSharp.dll itself was loaded.
/// </summary>
internal static partial class NativeLibraries
{
    private const string Runtime = "runtimes/linux-x64/native";

    /// <summary>The path of the first library of this name, or null.</summary>
    /// <param name="name">A file name.</param>
    public static string? Find(string name) =>
        Folders().Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>Whether the libtorch of this application can compute on NVIDIA GPUs.</summary>
    public static bool HasCuda => Find(OperatingSystem.IsWindows() ? "torch_cuda.dll" : "libtorch_cuda.so") is not null;

    /// <summary>
    /// Loads libtorch by its full path. Needed before a copy of a library that links to it is loaded from elsewhere: the dynamic
    /// loader then finds it by its name. Does nothing if the file does not exist.
    /// </summary>
    public static void LoadTorch()
    {
        foreach (var name in (ReadOnlySpan<string>)["libc10.so", "libtorch_cpu.so", "libtorch_cuda.so", "libtorch.so"])
        {
            if (Find(name) is { } path)
                NativeLibrary.TryLoad(path, out _);
        }
    }

    /// <summary>
    /// Makes libtorch allocate large tensors in huge pages (its setting THP_MEM_ALLOC_ENABLE, read at its first allocation), unless
    /// the user has set it: a step allocates and frees gigabytes, and with 4 KB pages a tenth of its time goes into page faults.
    /// </summary>
    public static void AskForHugePages() => _ = SetEnvironment("THP_MEM_ALLOC_ENABLE", "1", overwrite: 0);

    // .NET's Environment does not change the environment that native code reads.
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    private static IEnumerable<string> Folders()
    {
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string directories)
        {
            foreach (var folder in directories.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
                yield return folder;
        }

        var torchSharp = Path.GetDirectoryName(typeof(torch).Assembly.Location);
        var own = Path.GetDirectoryName(typeof(NativeLibraries).Assembly.Location);
        foreach (var root in new[] { AppContext.BaseDirectory, torchSharp, own })
        {
            if (string.IsNullOrEmpty(root))
                continue;
            yield return root;
            yield return Path.Combine(root, Runtime);
        }

        foreach (var folder in PackageFolders(torchSharp))
            yield return folder;
    }

    /// <summary>
    /// From PACKAGES/torchsharp/VERSION/lib/FRAMEWORK: the native folders of torchsharp and of the libtorch packages next to it.
    /// </summary>
    private static IEnumerable<string> PackageFolders(string? library)
    {
        var package = library is null ? null : Directory.GetParent(library)?.Parent;
        if (package?.Parent is not { Name: "torchsharp", Parent: { } packages })
            yield break;

        yield return Path.Combine(package.FullName, Runtime);
        var candidates = packages.EnumerateDirectories("libtorch-*linux-x64*");
        foreach (var candidate in candidates.OrderByDescending(d => d.Name, StringComparer.Ordinal))
        {
            foreach (var version in candidate.EnumerateDirectories().OrderByDescending(d => d.Name, StringComparer.Ordinal))
                yield return Path.Combine(version.FullName, Runtime);
        }
    }
}
