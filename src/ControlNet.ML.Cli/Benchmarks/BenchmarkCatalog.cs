using System.Globalization;
using System.Text.Json;
using ControlNet.ML.Onnx;
using ControlNet.ML.Torch.Benchmarks;
using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>The benchmarks by name. Each returns a flat list of figures.</summary>
internal static class BenchmarkCatalog
{
    /// <summary>The benchmark that needs a file.</summary>
    public const string Features = "features";

    public static IReadOnlyList<string> Names { get; } =
    [
        "step", "step-bf16", "kernels", "decode", "onnx", "onnx-int8", "load", "load-bf16", "load-file", "load-ckpt", "save", "train",
        "train-checkpointing", "train-memory", "train-memory-bf16", "generations", "score", "startup", "canny", "gauss", "median", "resize",
        "study", "approximations", "approximate-step", .. MemoryBenchmark.Names, Features,
    ];

    /// <summary>Whether a benchmark runs ONNX graphs.</summary>
    public static bool IsOnnx(string name) => name is "onnx" or "onnx-int8";

    /// <summary>Whether a benchmark times a step on libtorch.</summary>
    public static bool IsStep(string name) => name is "step" or "step-bf16";

    /// <summary>Runs a benchmark in this process.</summary>
    public static IReadOnlyDictionary<string, object> Run(
        string name, BenchmarkSettings settings, CancellationToken cancellationToken) => name switch
        {
            "step" => Step(Precision.Float32, settings, cancellationToken),
            "step-bf16" => Step(Precision.BFloat16, settings, cancellationToken),
            "kernels" => KernelFigures.OfTable(cancellationToken),
            "decode" => DecodeFigures.Run(settings.Repeats, cancellationToken),
            "onnx" => Onnx(isInt8: false, settings, cancellationToken),
            "onnx-int8" => Onnx(isInt8: true, settings, cancellationToken),
            "load" => Load(Precision.Float32),
            "load-bf16" => Load(Precision.BFloat16),
            "load-file" => LoadFile("model.safetensors"),
            "load-ckpt" => LoadFile("model.ckpt"),
            "save" => Save(),
            "train" => Train(recompute: false, settings.Repeats, cancellationToken),
            "train-checkpointing" => Train(recompute: true, settings.Repeats, cancellationToken),
            "train-memory" => TrainMemory(Precision.Float32, cancellationToken),
            "train-memory-bf16" => TrainMemory(Precision.BFloat16, cancellationToken),
            "generations" => Generations(cancellationToken),
            "score" => ScoreBenchmark.Run(cancellationToken),
            "startup" => Startup.Run(cancellationToken),
            "study" => Study(cancellationToken),
            "approximate-step" => ApproximateStep(settings.Repeats, cancellationToken),
            "approximations" => ApproximationBenchmark.Run(cancellationToken),
            _ when MemoryBenchmark.Names.Contains(name) => MemoryBenchmark.Run(
                name,
                Environment.GetEnvironmentVariable(BenchmarkRun.FolderVariable)
                    ?? throw new ControlNetException($"The benchmark has no folder: start it with 'bench {name}', which names it."),
                cancellationToken),
            Features => OfFeatures(settings, cancellationToken),
            "canny" or "gauss" or "median" or "resize" => ImageBenchmark.Run(name, settings.Repeats, cancellationToken),
            _ => throw new ArgumentException($"Unknown benchmark '{name}'."),
        };

    private static Dictionary<string, object> Step(Precision precision, BenchmarkSettings settings, CancellationToken cancellationToken)
    {
        if (settings.IsMeasured)
            return KernelFigures.OfStep(precision, settings.Repeats, cancellationToken);
        var result = StepBenchmark.Run(precision, settings.Repeats, side: 512, _ => { }, cancellationToken);
        return new()
        {
            ["what"] = "SD1.5 UNet and one control network, random weights, 512x512, batch 2",
            ["device"] = result.Device,
            ["steps_counted"] = result.Repeats,
            ["step_seconds"] = Round(result.StepSeconds),
            ["bare_seconds"] = Round(result.BareSeconds),
            ["ratio_to_bare"] = Round(result.Ratio),
            ["decode_seconds"] = Round(result.DecodeSeconds),
            ["weights_fp32_gb"] = Gigabytes(result.WeightBytesFloat32),
            ["peak_gb"] = Gigabytes(result.PeakBytes),
            ["peak_above_weights_fp32_gb"] = Gigabytes(result.PeakBytes - result.WeightBytesFloat32),
        };
    }

    private static Dictionary<string, object> ApproximateStep(int repeats, CancellationToken cancellationToken)
    {
        var result = ApproximateStepBenchmark.Run(repeats, side: 512, cancellationToken);
        return new()
        {
            ["what"] = "SD1.5 UNet and one control network, random weights, 512x512, batch 2: steps relative to a whole one",
            ["device"] = result.Device,
            ["rounds_counted"] = result.Repeats,
            ["step_seconds"] = Round(result.StepSeconds),
            ["control_reused"] = Round(result.WithResiduals),
            ["features_reused"] = Round(result.WithFeatures),
            ["without_guidance"] = Round(result.WithoutGuidance),
        };
    }

    private static Dictionary<string, object> Onnx(bool isInt8, BenchmarkSettings settings, CancellationToken cancellationToken)
    {
        var root = Environment.GetEnvironmentVariable(BenchmarkRun.FolderVariable)
            ?? throw new ControlNetException("The onnx benchmark has no folder: start it with 'bench onnx', which names it.");
        var (folder, exported) = (Path.Combine(root, isInt8 ? "onnx-int8" : "onnx"), Path.Combine(root, "exported.json"));
        if (!Directory.Exists(folder))
        {
            var (seconds, peak, largest) = OnnxBenchmark.Write(folder, isInt8, cancellationToken);
            var written = new Dictionary<string, object>
            {
                ["export_seconds"] = Round(seconds),
                ["export_peak_gb"] = Gigabytes(peak),
                ["unet_file_gb"] = Gigabytes(largest),
            };
            File.WriteAllText(exported, JsonSerializer.Serialize(written));
            return written;
        }

        var result = OnnxBenchmark.Run(folder, settings, side: 512, cancellationToken);
        Directory.Delete(folder, recursive: true);
        var figures = new Dictionary<string, object>
        {
            ["what"] = $"SD1.5 UNet and one control network as graphs{(isInt8 ? " with 8-bit weights" : "")}, 512x512, batch 2",
            ["device"] = result.Device,
            ["steps_counted"] = result.Repeats,
            ["step_seconds"] = Round(result.StepSeconds),
            ["bare_seconds"] = Round(result.BareSeconds),
            ["ratio_to_bare"] = Round(result.Ratio),
            ["peak_gb"] = Gigabytes(result.PeakBytes),
        };
        foreach (var entry in JsonDocument.Parse(File.ReadAllBytes(exported)).RootElement.EnumerateObject())
            figures[entry.Name] = entry.Value.Clone();
        return figures;
    }

    private static Dictionary<string, object> Train(bool recompute, int repeats, CancellationToken cancellationToken)
    {
        var result = TrainingBenchmark.Run(recompute, repeats, side: 512, cancellationToken);
        return new()
        {
            ["what"] = "training a control network for SD1.5, random weights, 512x512, batch 1",
            ["device"] = result.Device,
            ["steps_counted"] = result.Repeats,
            ["step_seconds"] = Round(result.StepSeconds),
            ["passes_seconds"] = Round(result.PassSeconds),
            ["ratio_to_passes"] = Round(result.Ratio),
            ["peak_gb"] = Gigabytes(result.PeakBytes),
        };
    }

    private static Dictionary<string, object> TrainMemory(Precision precision, CancellationToken cancellationToken)
    {
        var (device, peaks) = TrainingMemoryBenchmark.Run(precision, side: 512, cancellationToken);
        Dictionary<string, object> figures = new()
        {
            ["what"] = "peak memory of a step of training, SD1.5, random weights, 512x512, by batch",
            ["device"] = device,
        };
        foreach (var (batch, recompute, peak) in peaks)
        {
            var key = string.Create(CultureInfo.InvariantCulture, $"batch_{batch}{(recompute ? "_checkpointing" : "")}_gb");
            figures[key] = peak is { } bytes ? Gigabytes(bytes) : "more than this machine has";
        }

        return figures;
    }

    private static Dictionary<string, object> Load(Precision precision)
    {
        var folder = Environment.GetEnvironmentVariable(BenchmarkRun.FolderVariable)
            ?? throw new ControlNetException("The load benchmark has no file: start it with 'bench load', which writes it.");
        if (!Directory.EnumerateFiles(folder).Any())
        {
            LoadBenchmark.Write(folder);
            return new() { ["written"] = folder };
        }

        var result = LoadBenchmark.Read(folder, precision);
        return new()
        {
            ["what"] = "SD1.5 UNet from a float16 file",
            ["device"] = result.Device,
            ["file_gb"] = Gigabytes(result.FileBytes),
            ["weights_gb"] = Gigabytes(result.ResidentBytes),
            ["peak_gb"] = Gigabytes(result.PeakBytes),
            ["peak_to_weights"] = Round((double)result.PeakBytes / result.ResidentBytes),
            ["seconds"] = Round(result.Seconds),
        };
    }

    private static Dictionary<string, object> LoadFile(string name)
    {
        var folder = Environment.GetEnvironmentVariable(BenchmarkRun.FolderVariable)
            ?? throw new ControlNetException("The load benchmark has no file: start it with 'bench load-file', which writes it.");
        var file = Path.Combine(folder, name);
        if (!File.Exists(file))
        {
            CheckpointBenchmark.Write(file);
            return new() { ["written"] = file };
        }

        var (read, opened, result) = CheckpointBenchmark.Run(file, Precision.BFloat16);
        File.Delete(file);
        return new()
        {
            ["what"] = $"SD1.5 from one float16 file, {Path.GetExtension(name)}",
            ["device"] = result.Device,
            ["file_gb"] = Gigabytes(result.FileBytes),
            ["weights_gb"] = Gigabytes(result.ResidentBytes),
            ["peak_gb"] = Gigabytes(result.PeakBytes),
            ["peak_to_weights"] = Round((double)result.PeakBytes / result.ResidentBytes),
            ["read_seconds"] = Round(read),
            ["load_seconds"] = Round(opened),
            ["load_to_read"] = Round(opened / read),
            ["in_memory_seconds"] = Round(result.Seconds),
            ["in_memory_to_read"] = Round(result.Seconds / read),
        };
    }

    private static Dictionary<string, object> Save()
    {
        var root = Environment.GetEnvironmentVariable(BenchmarkRun.FolderVariable)
            ?? throw new ControlNetException("The save benchmark has no folder: start it with 'bench save', which names it.");
        var folder = Path.Combine(root, "model");
        if (!Directory.Exists(folder))
        {
            SaveBenchmark.Write(folder);
            return new() { ["written"] = folder };
        }

        var (resident, before, after, zip) = SaveBenchmark.Run(folder);
        return new()
        {
            ["what"] = "a stage saved with the UNet of SD1.5 inside",
            ["zip_gb"] = Gigabytes(zip),
            ["resident_before_gb"] = Gigabytes(resident),
            ["peak_before_gb"] = Gigabytes(before),
            ["peak_after_gb"] = Gigabytes(after),
        };
    }

    private static Dictionary<string, object> Study(CancellationToken cancellationToken)
    {
        var (pages, images, answers, seconds) = StudyBenchmark.Run(cancellationToken);
        Dictionary<string, object> figures = new()
        {
            ["what"] = "a user study on loopback, 50 raters at once, 5 images of 512x512 a question, up to a second of thought",
            ["requests"] = pages.Count + images.Count + answers.Count,
            ["requests_per_second"] = Round((pages.Count + images.Count + answers.Count) / seconds),
        };
        foreach (var (name, values) in new[] { ("page", pages), ("image", images), ("answer", answers) })
        {
            figures[$"{name}_median_ms"] = Round(StudyBenchmark.Percentile(values, 0.5));
            figures[$"{name}_p95_ms"] = Round(StudyBenchmark.Percentile(values, 0.95));
        }

        return figures;
    }

    private static Dictionary<string, object> OfFeatures(BenchmarkSettings settings, CancellationToken cancellationToken)
    {
        var result = FeatureBenchmark.Run(
            settings.Features!, FeaturePreparation.Find(settings.Preparation), settings.Repeats, cancellationToken);
        return new()
        {
            ["what"] = "features of photos of 512x512 in memory, beside merely running the session",
            ["extractor"] = result.Extractor,
            ["images"] = result.Images,
            ["images_per_second"] = Round(result.Rate),
            ["bare_images_per_second"] = Round(result.BareRate),
            ["ratio_to_bare"] = Round(result.Ratio),
            ["early_peak_gb"] = Gigabytes(result.EarlyPeakBytes),
            ["peak_gb"] = Gigabytes(result.PeakBytes),
        };
    }

    /// <summary>Memory after 5 and after 50 images of the embedded model.</summary>
    private static Dictionary<string, object> Generations(CancellationToken cancellationToken)
    {
        using var model = DiffusionModel.Load("emoji", new LoadOptions { Device = "cpu" }, cancellationToken);
        long early = 0;
        for (var i = 1; i <= 50; i++)
        {
            model.Generate("rocket, fluent 3d emoji", new GenerateOptions { Steps = 5, Seed = (ulong)i }, cancellationToken);
            if (i == 5)
                early = Settled();
        }

        var late = Settled();
        return new()
        {
            ["what"] = "embedded model, 5 steps an image",
            ["after_5_mb"] = Round(early / 1e6),
            ["after_50_mb"] = Round(late / 1e6),
            ["growth"] = Round(((double)late / early) - 1),
        };

        // Both heaps keep freed memory for later use, which is not a leak.
        static long Settled()
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            NativeHeap.Trim();
            return ProcessMemory.Now();
        }
    }

    /// <summary>A figure with four digits.</summary>
    public static double Round(double value) =>
        double.Parse(value.ToString("g4", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static double Gigabytes(long bytes) => Round(bytes / 1e9);
}
