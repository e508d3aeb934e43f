using ControlNet.ML.Components;
using ControlNet.ML.Configuration;
using ControlNet.ML.Emoji;
using ControlNet.ML.Torch.Benchmarks;
using ControlNet.ML.Torch.Native;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>
/// Saves an ML.NET stage with the weights of a full-size UNet (1.7 GB in float16) inside, and measures the memory beyond that of the loaded
/// network, and beyond the peak of loading it.
/// </summary>
internal static class SaveBenchmark
{
    /// <summary>
    /// Writes the model: the embedded model's small parts and a UNet of Stable Diffusion 1.5's shape with meaningless weights.
    /// </summary>
    /// <param name="folder">The folder to write to.</param>
    public static void Write(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(EmojiModel.Folder, "*.json", SearchOption.AllDirectories))
        {
            var target = Path.Combine(folder, Path.GetRelativePath(EmojiModel.Folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        File.WriteAllText(Path.Combine(folder, "unet", "config.json"), UNetConfig.StableDiffusion15.ToJson());
        File.WriteAllText(Path.Combine(folder, "vae", "config.json"), AutoencoderConfig.StableDiffusion15.ToJson());
        LoadBenchmark.Write(Path.Combine(folder, "unet"));
    }

    /// <summary>Loads the UNet, saves it inside an ML.NET model, and measures the memory.</summary>
    /// <param name="folder">The folder that <see cref="Write"/> wrote.</param>
    public static (long ResidentBytes, long PeakBefore, long PeakAfter, long ZipBytes) Run(string folder)
    {
        TorchNative.EnsureLoaded();
        using var model = DiffusionModel.Load(
            folder,
            new LoadOptions { Device = "cpu", Precision = Precision.BFloat16, Parts = ModelParts.UNet });
        var ml = new MLContext();
        var rows = ml.Data.LoadFromEnumerable([new Row()]);
        var fitted = ml.Transforms.ControlNet()
            .Denoise("Latents", "Text", model, null, new() { Steps = 1, Width = 64, Height = 64, Weights = WeightStorage.Inside })
            .Fit(rows);
        var (resident, before) = (ProcessMemory.Now(), ProcessMemory.Peak());
        var zip = Path.Combine(folder, "model.zip");
        ml.Model.Save(fitted, rows.Schema, zip);
        var after = ProcessMemory.Peak();
        return (resident, before, after, new FileInfo(zip).Length);
    }

    private sealed class Row
    {
        [VectorType(2, 32, 256)]
        public float[] Text { get; set; } = new float[2 * 32 * 256];
    }
}
