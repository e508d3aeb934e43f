using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Benchmarks;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>
/// The decoder as a whole, in strips of rows, and in bfloat16: time on full size, distance of the embedded model's images as 8-bit levels.
/// </summary>
internal static class DecodeFigures
{
    private const int Images = 8;

    public static Dictionary<string, object> Run(int repeats, CancellationToken cancellationToken)
    {
        var result = DecodeBenchmark.Run(repeats, side: 512, cancellationToken);
        using var whole = Model(new() { Device = "cpu" });
        using var strips = Model(new() { Device = "cpu", Tiling = true });
        using var half = Model(new() { Device = "cpu", VaePrecision = Precision.BFloat16 });
        List<double> ofStrips = [], ofHalf = [];
        foreach (var (i, subject) in ApproximationBenchmark.Subjects.Take(Images).Index())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var options = new GenerateOptions { Steps = 20, Seed = (ulong)i };
            var image = Image(whole);
            ofStrips.Add(PeakSignalToNoise.Compare(image, Image(strips)));
            ofHalf.Add(PeakSignalToNoise.Compare(image, Image(half)));

            ImageBuffer Image(DiffusionModel model) => model.Generate($"{subject}, fluent 3d emoji", options, cancellationToken).Image;
        }

        return new()
        {
            ["what"] = $"SD1.5's decoder, random weights, {result.Side}x{result.Side}; {Images} images of the embedded model",
            ["seconds"] = BenchmarkCatalog.Round(result.Seconds),
            ["tiling_ratio"] = BenchmarkCatalog.Round(result.StripsRatio),
            ["bf16_ratio"] = BenchmarkCatalog.Round(result.HalfRatio),
            ["tiling_distance"] = BenchmarkCatalog.Round(result.StripsDistance),
            ["tiling_worst_psnr_db"] = Decibels(ofStrips.Min()),
            ["bf16_worst_psnr_db"] = Decibels(ofHalf.Min()),
            ["bf16_mean_psnr_db"] = Decibels(ofHalf.Average()),
        };

        // Equal images are infinitely near, which JSON has no number for.
        static object Decibels(double value) => double.IsFinite(value) ? BenchmarkCatalog.Round(value) : "equal";

        DiffusionModel Model(LoadOptions options) => DiffusionModel.Load("emoji", options, cancellationToken);
    }
}
