using System.CommandLine;
using ControlNet.ML.Cli.Benchmarks;

namespace ControlNet.ML.Cli.Commands;

/// <summary>
/// <c>controlnet bench</c>: measures the figures of docs/performance.md on this machine. Each benchmark runs in its own process, so that
/// its peak memory is not that of another.
/// </summary>
internal static class BenchCommand
{
    public static Command Create(Terminal terminal)
    {
        var only = new Argument<string[]>("benchmark")
        {
            Description = $"Benchmarks to run: {string.Join(", ", BenchmarkCatalog.Names)}. By default all, "
                + "but features only with --features, and memory-sdxl and memory-sdxl-low (20 GB of memory) only by name.",
            HelpName = "benchmark",
            Arity = ArgumentArity.ZeroOrMore,
        };
        only.AcceptOnlyFromAmong([.. BenchmarkCatalog.Names]);
        var repeats = new Option<int>("--repeats")
        {
            Description = "Measured steps of the step and train benchmarks; calls of an image operation, five times as many on small "
                + "images.",
            DefaultValueFactory = _ => 5,
        };
        var device = DeviceChoice.OnnxOption("Execution providers of the onnx benchmarks");
        var features = new Option<string?>("--features")
        {
            Description = "ONNX file of the features benchmark, a network that turns images into features.",
            HelpName = "file",
        };
        var preparation = EvaluateCommand.Preparation();
        var kernels = ImageOptions.KernelsOption();
        kernels.Description = "Kernels of the step benchmarks: 'plain' (default), or 'measured' for both, timed alternately.";
        var inside = new Option<bool>("--in-process") { Hidden = true };
        var json = new Option<bool>("--json") { Description = "Print one JSON document." };
        var command = new Command("bench", "Measure speed and memory on this machine.")
        {
            only, repeats, device, features, preparation, kernels, inside, json,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            if (result.GetValue(repeats) is < 1 or > 1000)
                throw new UsageException($"--repeats is {result.GetValue(repeats)}, expected 1 to 1,000.");
            var graph = result.GetValue(features);
            var names = result.GetValue(only) is { Length: > 0 } some
                ? some
                : [.. BenchmarkCatalog.Names.Where(name =>
                    !MemoryBenchmark.IsLarge(name) && (name != BenchmarkCatalog.Features || graph is not null))];
            var isMeasured = ImageOptions.KernelsOf(result.GetValue(kernels)) == KernelChoice.Measured;
            var settings = new BenchmarkSettings(
                result.GetValue(repeats), DeviceChoice.OfOnnx(result.GetValue(device)), graph, result.GetValue(preparation)!, isMeasured);
            if (names.Contains(BenchmarkCatalog.Features) != graph is not null)
                throw new UsageException(
                    graph is null
                        ? "The features benchmark needs --features, an ONNX file that turns images into features."
                        : "--features is for the features benchmark, expected it among the benchmarks.");
            if (settings.Device is not null && !Array.Exists(names, BenchmarkCatalog.IsOnnx))
                throw new UsageException("--device is for the onnx benchmarks, expected one of them.");
            if (settings.IsMeasured && !Array.Exists(names, BenchmarkCatalog.IsStep))
                throw new UsageException("--kernels is for the step benchmarks, expected one of them.");
            if (result.GetValue(inside))
                Json.Print(terminal, BenchmarkCatalog.Run(names[0], settings, cancellationToken));
            else
                await BenchmarkRun.AllAsync(terminal, names, settings, result.GetValue(json), cancellationToken).ConfigureAwait(false);
            return App.Success;
        });
        return command;
    }
}
