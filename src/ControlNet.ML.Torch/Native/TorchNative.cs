using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using TorchSharp;

namespace ControlNet.ML.Torch.Native;

/// <summary>
/// Makes libtorch loadable before TorchSharp asks for it.
/// <para>
/// TorchSharp 0.107's <c>libLibTorchSharp.so</c> is linked against a libstdc++ with the symbol version GLIBCXX_3.4.32, which
/// Debian 12 and Ubuntu 22.04 lack. It only names that version (<c>std::ios_base_library_init</c>, which no relocation uses). So
/// only if the library does not load unchanged, a copy in memory gets the weak flag (VER_FLG_WEAK) on that one entry of
/// its .gnu.version_r section, two bytes, and is loaded instead (<see cref="AdaptedLibrary"/>). The original is never changed.
/// </para>
/// <para>This happens automatically when this assembly is first used: in programs, tests and notebooks alike.</para>
/// </summary>
public static partial class TorchNative
{
    private const string Shim = "libLibTorchSharp.so";

    private static readonly Lock Gate = new();
    private static nint _copy;
    private static bool _done;

    /// <summary>
    /// Whether hidden caches were repaired in oneDNN (<see cref="HiddenCaches"/>); known after <see cref="EnsureLoaded"/>.
    /// </summary>
    internal static bool HiddenCachesRepaired { get; private set; }

    /// <summary>
    /// Makes sure that libtorch loads. Costs nothing after the first call. Call it yourself only in a program that uses TorchSharp
    /// before it touches a type of this assembly.
    /// </summary>
    /// <exception cref="ControlNetException">
    /// Native libtorch is missing (the message names the package to add), or cannot be loaded.
    /// </exception>
    public static void EnsureLoaded()
    {
        SignalStack.MakeRoom();
        lock (Gate)
        {
            if (_done)
                return;
            LoadOnLinux();
            Start();
            _done = true;
        }
    }

    /// <summary>Whether an adapted copy of TorchSharp's library is loaded; known after <see cref="EnsureLoaded"/>.</summary>
    internal static bool LibraryAdapted => _copy != 0;

    /// <summary>The paths of the libraries that exist, by name.</summary>
    internal static Dictionary<string, string> Libraries(IEnumerable<string> names) => names
        .Select(name => (name, path: NativeLibraries.Find(name)))
        .Where(library => library.path is not null)
        .ToDictionary(library => library.name, library => library.path!);

    /// <summary>Loads the adapted library, if it is needed, before any code can reach TorchSharp through this assembly.</summary>
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "TorchSharp initialises in a static constructor; nothing else runs before it in "
        + "every host.")]
    internal static void Initialize()
    {
        try
        {
            LoadOnLinux();
        }
        catch (ControlNetException)
        {
            // The message of a module initialiser's exception is hidden in two others; EnsureLoaded reports it to the user.
        }
    }

    private static void LoadOnLinux()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return;
        if (_copy != 0 || NativeLibraries.Find(Shim) is not { } shim)
            return;
        NativeLibraries.AskForHugePages();
        NativeLibraries.LoadTorch();
        try
        {
            NativeLibrary.Load(shim);
        }
        catch (DllNotFoundException e) when (MissingVersion().Match(e.Message) is { Success: true } match)
        {
            _copy = LoadCopy(shim, match.Groups[1].Value);
        }
        catch (DllNotFoundException)
        {
            // Something else is wrong: TorchSharp's own attempt reports it in full.
        }
    }

    private static nint LoadCopy(string shim, string version)
    {
        byte[] weakened;
        try
        {
            weakened = ElfVersionNeeds.Weaken(File.ReadAllBytes(shim), version);
        }
        catch (InvalidDataException e)
        {
            throw new ControlNetException(
                $"{shim} needs {version} of libstdc++, which this system lacks, and cannot be adapted: {e.Message}.", e);
        }

        var handle = AdaptedLibrary.Load(Shim, weakened);

        // The runtime first tries the original by its full path and fails; these two handle its next attempts.
        System.Runtime.Loader.AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) => Answer(name);
        if (System.Runtime.Loader.AssemblyLoadContext.GetLoadContext(typeof(torch).Assembly) is { } context
            && context != System.Runtime.Loader.AssemblyLoadContext.Default)
        {
            context.ResolvingUnmanagedDll += (_, name) => Answer(name);
        }

        return handle;

        nint Answer(string name) => name.Contains("LibTorchSharp", StringComparison.Ordinal) ? handle : 0;
    }

    private static void Start()
    {
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
            TorchContext.UseNnpack(false);
            HiddenCachesRepaired = HiddenCaches.Repair();
        }
        catch (Exception e) when (e is TypeInitializationException or NotSupportedException or DllNotFoundException)
        {
            throw new ControlNetException(
                "libtorch cannot be loaded. Add the package for your machine to the application: TorchSharp-cpu " +
                $"(or TorchSharp-cuda-linux / TorchSharp-cuda-windows), version {AssemblyVersion.Of(typeof(torch).Assembly)}. Cause: "
                    + $"{FirstLine(e)}",
                e);
        }
    }

    private static string FirstLine(Exception e)
    {
        while (e.InnerException is { } inner)
            e = inner;
        return e.Message.Split('\n', 2)[0].Trim();
    }

    [GeneratedRegex(@"version `(GLIBCXX_[0-9.]+)' not found")]
    private static partial Regex MissingVersion();
}
