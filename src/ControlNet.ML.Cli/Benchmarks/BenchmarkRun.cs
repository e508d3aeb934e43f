using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ControlNet.ML.Torch.Verification;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>Runs benchmarks, each in its own process, and prints their figures.</summary>
internal static class BenchmarkRun
{
    /// <summary>Environment variable with the folder of the load and save benchmarks, for the processes that write and read it.</summary>
    public const string FolderVariable = "CONTROLNET_BENCH_FOLDER";

    public static async Task AllAsync(
        Terminal terminal, IReadOnlyList<string> names, BenchmarkSettings settings, bool json, CancellationToken cancellationToken)
    {
        using var folder = ScratchFolder.Create();
        var results = new Dictionary<string, JsonElement>();
        await ProgressDisplay.RunAsync(terminal, async show =>
        {
            foreach (var name in names)
            {
                show("benchmarks", results.Count, names.Count);
                if ((MemoryBenchmark.Names.Contains(name) && !MemoryBenchmark.IsWritten(name, folder.Path))
                    || name is "save" or "load-file" or "load-ckpt" || BenchmarkCatalog.IsOnnx(name)
                    || (name.StartsWith("load", StringComparison.Ordinal) && !Directory.EnumerateFiles(folder.Path).Any()))
                    await ChildAsync(name, settings, folder.Path, cancellationToken).ConfigureAwait(false);
                results[name] = await ChildAsync(name, settings, folder.Path, cancellationToken).ConfigureAwait(false);
            }
        }).ConfigureAwait(false);

        if (json)
        {
            Json.Print(terminal, new { machine = ProcessorInfo.Current.Name, cores = Environment.ProcessorCount, benchmarks = results });
            return;
        }

        terminal.Result($"{ProcessorInfo.Current.Name}, {Environment.ProcessorCount} cores");
        foreach (var (name, figures) in results)
            Print(terminal, name, figures);
    }

    private static async Task<JsonElement> ChildAsync(
        string name, BenchmarkSettings settings, string folder, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(typeof(BenchmarkRun).Assembly.Location);
        string[] arguments = ["bench", name, "--in-process", "--repeats", settings.Repeats.ToString(CultureInfo.InvariantCulture)];
        if (settings.Device is { } device && BenchmarkCatalog.IsOnnx(name))
            arguments = [.. arguments, "--device", device];
        if (name == BenchmarkCatalog.Features)
            arguments = [.. arguments, "--features", settings.Features!, "--features-as", settings.Preparation];
        if (settings.IsMeasured && BenchmarkCatalog.IsStep(name))
            arguments = [.. arguments, "--kernels", "measured"];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment[FolderVariable] = folder;

        using var process = Process.Start(start) ?? throw new ControlNetException("The benchmark's process did not start.");
        try
        {
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            return process.ExitCode == 0
                ? JsonDocument.Parse(output).RootElement
                : throw new ControlNetException(
                    $"Benchmark '{name}' ended with exit code {process.ExitCode}: {(await error.ConfigureAwait(false)).Trim()}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    private static void Print(Terminal terminal, string name, JsonElement figures)
    {
        terminal.Result();
        terminal.Result(name);
        foreach (var figure in figures.EnumerateObject())
        {
            if (figure.Value.ValueKind == JsonValueKind.Array)
                PrintTable(terminal, [.. figure.Value.EnumerateArray()]);
            else
                terminal.Result($"  {figure.Name,-28} {figure.Value}");
        }
    }

    private static void PrintTable(Terminal terminal, JsonElement[] rows)
    {
        if (rows.Length == 0)
            return;
        string[][] lines =
        [
            [.. rows[0].EnumerateObject().Select(cell => cell.Name)],
            .. rows.Select(row => row.EnumerateObject().Select(cell => cell.Value.ToString()).ToArray()),
        ];
        int[] widths = [.. lines[0].Select((_, column) => lines.Max(line => line[column].Length))];
        foreach (var line in lines)
            terminal.Result($"  {string.Join("  ", line.Select((cell, column) => cell.PadRight(widths[column])))}".TrimEnd());
    }
}
