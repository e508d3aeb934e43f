using System.Diagnostics;
using System.Globalization;
using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Benchmarks;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>
/// Images per minute of <c>score --batch-size auto</c>, beside a loop that generates and writes one image after the other. Both open the
/// embedded model first, and the former measures the batch size.
/// </summary>
internal static class ScoreBenchmark
{
    private const int Rows = 64;
    private const int Steps = 20;

    public static Dictionary<string, object> Run(CancellationToken cancellationToken)
    {
        var subjects = ApproximationBenchmark.Subjects;
        string[] prompts = [.. Enumerable.Range(0, Rows).Select(i => $"{subjects[i % subjects.Length]} fluent 3d emoji")];
        using var folder = ScratchFolder.Create();
        var table = folder.File("table.csv");
        File.WriteAllLines(table, ["prompt", .. prompts]);
        List<double> loop = [], score = [];
        var size = 0;
        for (var round = 0; round < 2; round++)
        {
            loop.Add(Timing.Of(() => Loop(prompts, folder.File("loop.png"), cancellationToken)));
            var output = folder.File(string.Create(CultureInfo.InvariantCulture, $"run{round}"));
            var settings = new ScoreSettings
            {
                Table = table,
                Out = output,
                Options = new GenerateOptions { Steps = Steps },
                Batch = null,
                Load = new LoadOptions { Device = "cpu" },
            };
            var clock = Stopwatch.StartNew();
            var quiet = new Terminal(TextWriter.Null, TextWriter.Null, null);
            var code = new ScoreRun(quiet, settings, json: true).RunAsync(cancellationToken).GetAwaiter().GetResult();
            score.Add(clock.Elapsed.TotalSeconds);
            if (code != App.Success)
                throw new ControlNetException($"The benchmark's run ended with exit code {code}.");
            size = BatchSize.Kept(Path.Combine(output, "batch-size.json"))!.Value;
        }

        return new()
        {
            ["what"] = $"embedded model, {Rows} rows of {Steps} steps, batch size by measuring, beside a loop of single images",
            ["batch_size"] = size,
            ["loop_images_per_minute"] = BenchmarkCatalog.Round(60 * Rows / loop.Min()),
            ["score_images_per_minute"] = BenchmarkCatalog.Round(60 * Rows / score.Min()),
            ["score_to_loop"] = BenchmarkCatalog.Round(Timing.Median([.. loop.Zip(score, (a, b) => a / b)])),
        };
    }

    private static void Loop(string[] prompts, string file, CancellationToken cancellationToken)
    {
        using var model = DiffusionModel.Load("emoji", new LoadOptions { Device = "cpu" }, cancellationToken);
        foreach (var (i, prompt) in prompts.Index())
        {
            var generated = model.Generate(prompt, new GenerateOptions { Steps = Steps, Seed = (ulong)i }, cancellationToken);
            ImageCodec.SavePng(file, generated.Image, generated.Provenance);
        }
    }
}
