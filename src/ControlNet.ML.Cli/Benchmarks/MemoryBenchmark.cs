using System.Diagnostics;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Benchmarks;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>
/// Peak memory of a process that opens a full-size model and a control network from disk and generates one guided image in bfloat16: all
/// stages, but one denoising step.
/// </summary>
internal static class MemoryBenchmark
{
    /// <summary>The benchmarks: how the model is loaded, and which.</summary>
    private static readonly Dictionary<string, (bool IsXL, bool Tiling, bool LowMemory)> Cases = new()
    {
        ["memory"] = (false, false, false),
        ["memory-tiling"] = (false, true, false),
        ["memory-low"] = (false, true, true),
        ["memory-sdxl"] = (true, false, false),
        ["memory-sdxl-low"] = (true, true, true),
    };

    public static IReadOnlyCollection<string> Names => Cases.Keys;

    /// <summary>Whether a benchmark writes 10 GB and needs as much memory and more: it runs only where it is named.</summary>
    public static bool IsLarge(string name) => Cases.TryGetValue(name, out var one) && one.IsXL;

    /// <summary>Whether the model of a benchmark is there.</summary>
    public static bool IsWritten(string name, string root) => Directory.Exists(FolderOf(name, root));

    /// <summary>Writes the model of a benchmark the first time, and measures the second time, in another process.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="root">The folder for models.</param>
    /// <param name="cancellationToken">Checked between stages.</param>
    public static Dictionary<string, object> Run(string name, string root, CancellationToken cancellationToken)
    {
        var (isXL, tiling, lowMemory) = Cases[name];
        var folder = FolderOf(name, root);
        if (!IsWritten(name, root))
        {
            Directory.CreateDirectory(folder);
            RandomModel.Write(folder, isXL);
            return new() { ["written"] = folder };
        }

        var side = isXL ? 1024 : 512;
        var options = new LoadOptions { Device = "cpu", Precision = Precision.BFloat16, Tiling = tiling, LowMemory = lowMemory };
        var clock = Stopwatch.StartNew();
        using var model = DiffusionModel.Load(folder, options, cancellationToken);
        using var control = ControlNetwork.Load(Path.Combine(folder, "controlnet"), options, cancellationToken);
        model.Generate(
            "a red fox", [new ControlInput(control, new ImageBuffer(side, side, 3))],
            new() { Steps = 1, Width = side, Height = side }, cancellationToken);
        return new()
        {
            ["what"] = $"{(isXL ? "SDXL" : "SD1.5")} and one control network from float16 files, {side}x{side}, guidance, one step",
            ["device"] = model.Backend.Description,
            ["seconds"] = BenchmarkCatalog.Round(clock.Elapsed.TotalSeconds),
            ["peak_gb"] = BenchmarkCatalog.Round(ProcessMemory.Peak() / 1e9),
        };
    }

    private static string FolderOf(string name, string root) => Path.Combine(root, Cases[name].IsXL ? "sdxl" : "sd15");
}
