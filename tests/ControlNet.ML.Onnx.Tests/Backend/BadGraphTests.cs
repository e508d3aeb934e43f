using ControlNet.ML.Adapters;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Imaging;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Onnx.Tests.Backend;

/// <summary>What does not fit is one clear message, before the first step.</summary>
public sealed class BadGraphTests(PipelineModels models) : IDisposable
{
    private static readonly ImageBuffer Condition = new(64, 64, 3);
    private static readonly GenerateOptions Options = new() { Steps = 1, Width = 64, Height = 64 };
    private readonly TemporaryFolder _folder = new();

    private static ReadOnlySpan<byte> FractionalTimesteps =>
        """{ "_class_name": "EulerDiscreteScheduler", "timestep_spacing": "linspace" }"""u8;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_graph_of_another_kind_in_the_place_of_the_unet()
    {
        var folder = Copy();
        File.Copy(Path.Combine(folder, "vae_decoder", "model.onnx"), Path.Combine(folder, "unet", "model.onnx"), overwrite: true);
        Expect(() => ModelFolder.Open(folder), "unet/model.onnx: is the decoder of a VAE, expected a UNet", "latent_sample");
    }

    [Fact]
    public void A_graph_of_another_kind_in_the_place_of_the_text_encoder()
    {
        var folder = Copy();
        File.Copy(Path.Combine(folder, "vae_decoder", "model.onnx"), Path.Combine(folder, "text_encoder", "model.onnx"), overwrite: true);
        Expect(() => Load(folder), "text_encoder/model.onnx: has no input input_ids", "latent_sample");
    }

    [Fact]
    public void A_unet_of_another_family()
    {
        var folder = Copy();
        OnnxLayouts.Put("sdxl", "unet/model", folder);
        Expect(() => Load(folder), "unet/model.onnx: takes text embeddings of the width 40, expected 16 as its config.json says");
    }

    [Fact]
    public void A_control_network_where_the_unet_takes_no_residuals()
    {
        Expect(
            () => models.Model("sd1").Generate("x", [new ControlInput(models.Control("sd1-named", "a"), Condition)], Options),
            "unet/model.onnx: takes no residuals", "down_block_0_additional_residual", "controlnet export");
    }

    [Fact]
    public void A_control_network_of_another_width()
    {
        Expect(
            () => models.Model("sd1-named").Generate("x", [new ControlInput(models.Control("sdxl-named", "a"), Condition)], Options),
            "is of another family than the model", "text width 40, expected 16");
    }

    [Fact]
    public void A_control_network_of_other_channels_behind_the_same_configuration()
    {
        var folder = OnnxLayouts.Put("sdxl-control-named", "canny", _folder.File("control"));
        File.Copy(Fixtures.Path("models", "sd1-control-a", "config.json"), Path.Combine(folder, "canny", "config.json"));
        Expect(
            () => ControlNetwork.Load(Path.Combine(folder, "canny"), PipelineModels.Options), "gives 10 residuals, expected 13");
    }

    [Fact]
    public void External_weights_that_are_missing_or_cut()
    {
        var folder = Copy();
        var data = Path.Combine(folder, "unet", "model.onnx_data");
        using (var stream = File.OpenWrite(data))
            stream.SetLength(1000);
        Expect(() => Load(folder), "model.onnx_data", "1,000 bytes", "cut off");
        File.Delete(data);
        Expect(() => Load(folder), "model.onnx_data", "is missing");
    }

    [Fact]
    public void A_folder_that_lacks_parts_lists_them_all()
    {
        var folder = Copy();
        File.Delete(Path.Combine(folder, "vae_decoder", "model.onnx"));
        File.Delete(Path.Combine(folder, "tokenizer", "merges.txt"));
        Expect(() => ModelFolder.Open(folder), "is incomplete", "'vae_decoder/model.onnx'", "'tokenizer/merges.txt'");
    }

    [Fact]
    public void Clip_skip_with_a_text_encoder_without_hidden_states() => Expect(
        () => models.Model("sd1").Generate("x", Options with { ClipSkip = 1 }),
        "text_encoder/model.onnx: gives the last hidden states only", "expected no clip skip");

    [Theory]
    [InlineData("sd1", 72, 64, "64x64")]
    [InlineData("sd1", 64, 200, "64x192")]
    public void A_size_that_a_traced_graph_does_not_take(string layout, int width, int height, string near) => Expect(
        () => models.Model(layout).Generate("x", Options with { Width = width, Height = height }),
        $"multiples of 64, and the size is {width}x{height}: expected for instance {near}");

    [Fact]
    public void Built_in_networks_take_no_other_and_no_guess_mode()
    {
        var merged = models.Model("sd1-merged");
        Expect(
            () => merged.Generate("x", [new ControlInput(models.Control("sd1-named", "a"), Condition)], Options),
            "has its control networks built in", "#1");
        var own = new ControlInput(models.Control("sd1-merged", "a"), Condition);
        Expect(
            () => merged.Generate("x", [own with { Unit = new ControlUnit { Weighting = ControlWeighting.GuessLogspace } }], Options),
            "one scale for all residuals", "expected uniform weighting");
        Expect(() => merged.Generate("x", [own, own], Options), "one of them is used twice");
        Expect(() => models.Model("sd1-named").Generate("x", [own], Options), "built into the UNet of another model");
        Expect(
            () => ControlNetwork.Load(models.Folder("sd1-merged") + "#3", PipelineModels.Options), "has 2 built-in control networks");
        Expect(() => ControlNetwork.Load(models.Folder("sd1") + "#1", PipelineModels.Options), "has no built-in control networks");
    }

    [Fact]
    public void Prompts_of_several_windows_where_the_graph_fixes_the_tokens() => Expect(
        () => models.Model("sd1-merged").Generate(string.Concat(Enumerable.Repeat("red apple ", 60)), Options),
        "unet/model.onnx: takes text embeddings as", "a prompt in one window");

    [Fact]
    public void A_fractional_timestep_where_the_graph_takes_whole_ones() => Expect(
        () => models.Model("sd1-script").Generate(
            "x", Options with { Steps = 3, SchedulerConfig = SchedulerConfig.Parse(FractionalTimesteps, "test") }),
        "unet/model.onnx: takes whole timesteps only");

    [Fact]
    public void What_only_weights_have()
    {
        var folder = models.Model("sd1").Folder;
        Expect(() => folder.OpenWeights("unet"), "is a model of ONNX graphs", "--backend onnx");
        Expect(
            () => models.Model("sd1").Backend.SetLoras(ModelParts.UNet, [new WeightedLora(null!, 1)]), "LoRAs cannot be merged",
            "--backend torch");
        Expect(() => models.Model("sd1").Backend.SetTokenVectors(0, 1000, TensorData.Zeros(1, 16)), "no added tokens", "--backend torch");
        Expect(
            () => DiffusionModel.Load(models.Folder("sd1"), PipelineModels.Options with { Precision = Precision.Float16 }),
            "The precision is Float16");
        Expect(
            () => DiffusionModel.Load(models.Folder("sd1"), PipelineModels.Options with { Kernels = KernelChoice.Measured }),
            "Measured kernels are libtorch's");
        Expect(
            () => DiffusionModel.Load(models.Folder("sd1"), PipelineModels.Options with { Tiling = true }),
            "Tiling needs layers that run one by one", "--backend torch");
        Expect(() => DiffusionModel.Load(models.Folder("sd1"), PipelineModels.Options with { LowMemory = true }), "Low memory needs layers");
        Expect(
            () => DiffusionModel.Load(models.Folder("sd1"), PipelineModels.Options with { VaePrecision = Precision.BFloat16 }),
            "The autoencoder's precision is BFloat16");
        Expect(
            () => models.Model("sd1").Generate("x", Options with { Approximation = new() { FeatureInterval = 2 } }),
            "The approximation 'features=2' keeps results", "--backend torch");
        models.Model("sd1").Generate("x", Options with { Approximation = new() { GuidanceEnd = 0.5 } });
        DiffusionModel.Load(models.Folder("sd1"), PipelineModels.Options with { Precision = Precision.Auto }).Dispose();
        Expect(() => DiffusionModel.Load(models.Folder("sd1"), PipelineModels.Options with { Device = "gpu" }), "'gpu'");
        Expect(() => DiffusionModel.Load(models.Folder("sd1"), PipelineModels.Options with { Vae = "x" }), "expected no --vae");
        Expect(() => ControlNetwork.Load(Path.Combine(models.Folder("sd1"), "unet", "model.onnx"), PipelineModels.Options), "is a UNet");
    }

    private static void Expect(Action act, params string[] parts)
    {
        var error = Assert.Throws<ControlNetException>(act);
        foreach (var part in parts)
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    private static DiffusionModel Load(string folder) => DiffusionModel.Load(folder, PipelineModels.Options);

    private string Copy() => OnnxLayouts.Put("sd1", "", _folder.File("sd1"));
}
