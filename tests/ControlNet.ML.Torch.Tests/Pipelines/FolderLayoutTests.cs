using ControlNet.ML.Imaging;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Torch.Tests.Pipelines;

/// <summary>The same weights in another layout make the same image.</summary>
public sealed class FolderLayoutTests : IDisposable
{
    private static readonly GenerateOptions Options = new() { Steps = 2, Seed = 4, Width = 64, Height = 64 };
    private static readonly LoadOptions Cpu = new() { Device = "cpu" };

    private readonly string _folder = Directory.CreateTempSubdirectory("controlnet-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void As_transformers_5_writes_it_without_prefix_and_with_a_tokenizer_json()
    {
        Assert.SkipUnless(Fixtures.Has("weights", "layouts", "hf5") && Fixtures.Has("models", "sd1"), "No weights/layouts/hf5.");
        Copy(Fixtures.Path("weights", "layouts", "hf5"), _folder);
        Copy(Fixtures.Path("models", "sd1", "unet"), Path.Combine(_folder, "unet"));
        Copy(Fixtures.Path("models", "sd1", "vae"), Path.Combine(_folder, "vae"));

        Assert.Equal(Image(Fixtures.Path("models", "sd1")), Image(_folder));
    }

    [Fact]
    public void In_float16_shards()
    {
        Assert.SkipUnless(Fixtures.Has("weights", "layouts", "variants") && Fixtures.Has("models", "sd1"), "No weights/layouts/variants.");
        Copy(Fixtures.Path("models", "sd1"), _folder);
        foreach (var part in new[] { "vae", "text_encoder" })
        {
            Directory.Delete(Path.Combine(_folder, part), recursive: true);
            Copy(Fixtures.Path("weights", "layouts", "variants", part), Path.Combine(_folder, part));
        }

        // The decoder's weights were rounded to float16: nearly the same image, and not the same.
        var (full, half) = (Image(Fixtures.Path("models", "sd1")), Image(_folder));
        Assert.InRange(full.Zip(half, (a, b) => Math.Abs(a - b)).Max(), 1, 8);
    }

    [Fact]
    public void A_control_network_in_the_original_naming()
    {
        Assert.SkipUnless(Fixtures.Has("models", "sd1-control-a"), "No models/sd1-control-a.");
        var folder = ControlFolder.Open(Fixtures.Path("models", "sd1-control-a"));
        var file = Path.Combine(_folder, "control_sd1_canny.safetensors");
        using (var weights = folder.OpenWeights())
        {
            SafetensorsWriter.Write(file, KeyMap.For(folder.Config).Tensors.Select(tensor => TensorContent.FromFloats(
                tensor.Original, Values(weights.Tensors[tensor.Name]), tensor.OriginalShape)));
        }

        File.Copy(Path.Combine(folder.Path, "config.json"), Path.ChangeExtension(file, ".json"));

        Assert.Equal(Image(Fixtures.Path("models", "sd1"), folder.Path), Image(Fixtures.Path("models", "sd1"), file));
    }

    [Fact]
    public void Several_networks_in_any_order()
    {
        Assert.SkipUnless(Fixtures.Has("models", "sd1-control-b"), "No models/sd1-control-b.");
        var (a, b) = (Fixtures.Path("models", "sd1-control-a"), Fixtures.Path("models", "sd1-control-b"));
        Assert.Equal(Image(Fixtures.Path("models", "sd1"), a, b), Image(Fixtures.Path("models", "sd1"), b, a));
    }

    private static byte[] Image(string model, params string[] controls)
    {
        using var loaded = DiffusionModel.Load(model, Cpu);
        var networks = controls.Select(control => ControlNetwork.Load(control, Cpu)).ToArray();
        var condition = new ImageBuffer(64, 64, 3);
        for (var i = 0; i < condition.Samples.Length; i += 7)
            condition.Samples[i] = 255;
        try
        {
            return loaded.Generate("a red apple", [.. networks.Select(network => new ControlInput(network, condition))], Options).Image.Samples;
        }
        finally
        {
            foreach (var network in networks)
                network.Dispose();
        }
    }

    private static float[] Values(WeightTensor tensor)
    {
        var values = new float[tensor.Count];
        tensor.CopyTo(values);
        return values;
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.WriteAllBytes(target, File.ReadAllBytes(file));
        }
    }
}
