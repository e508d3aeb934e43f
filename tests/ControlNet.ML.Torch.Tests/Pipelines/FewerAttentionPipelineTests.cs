using ControlNet.ML.Configuration;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Benchmarks;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Torch.Tests.Pipelines;

/// <summary>Control networks with fewer attentions than their base steer it, from folders and from single files.</summary>
public sealed class FewerAttentionPipelineTests : IDisposable
{
    private const string Pipeline = "StableDiffusionXLControlNetPipeline";

    private static readonly LoadOptions Cpu = new() { Device = "cpu" };

    private readonly TemporaryFolder _folder = new();

    /// <summary>The pipelines of fixtures/beyond with plain control networks whose files are there.</summary>
    public static TheoryData<string> Cases() => BeyondPipelines.Cases(
        setup => setup.GetProperty("pipeline").GetString() == Pipeline && BeyondPipelines.HasControls(setup, path => Fixtures.Has(path, "config.json")
            && File.ReadAllText(Fixtures.Path(path, "config.json")).Contains("\"ControlNetModel\"", StringComparison.Ordinal)));

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Cases)), Trait("Category", "Parity")]
    public Task Every_step_and_the_image_are_diffusers_own(string name) =>
        BeyondPipelines.CheckAsync(name, (network, _) => ControlNetwork.Load(network, Cpu));

    [Theory]
    [InlineData(true, "DownBlock2D", "UNetMidBlock2DCrossAttn", 0, 0)]
    [InlineData(true, "DownBlock2D", "UNetMidBlock2D", 0, 0)]
    [InlineData(false, "CrossAttnDownBlock2D", "UNetMidBlock2DCrossAttn", 0, 1)]
    [InlineData(false, "CrossAttnDownBlock2D", "UNetMidBlock2D", 0, 1)]
    [InlineData(true, "CrossAttnDownBlock2D", "UNetMidBlock2DCrossAttn", 0, 0)]
    public void A_single_file_without_configuration_steers_like_the_folder(bool fitsAnyText, string down, string middle, int first, int second)
    {
        Assert.SkipUnless(Fixtures.Has("models", "sdxl"), $"No models in {Fixtures.Root}.");
        TorchNative.EnsureLoaded();
        var unet = new UNetConfig
        {
            BlockOutChannels = [32, 64],
            DownBlockTypes = ["DownBlock2D", "CrossAttnDownBlock2D"],
            UpBlockTypes = ["CrossAttnUpBlock2D", "UpBlock2D"],
            LayersPerBlock = 1,
            TransformerLayersPerBlock = [1, 1],
            AttentionHeadDim = [1, 1],
            CrossAttentionDim = 40,
            UseLinearProjection = true,
            AdditionEmbedType = "text_time",
            AdditionTimeEmbedDim = 256,
            ProjectionClassEmbeddingsInputDim = (6 * 256) + 24,
        };
        var config = ControlNetConfig.FromUNet(unet) with
        {
            DownBlockTypes = ["DownBlock2D", down],
            MidBlockType = middle,
            TransformerLayersPerBlock = [first, second],
            ConditioningEmbeddingOutChannels = [4, 4, 8, 8],
        };
        var folder = Write("folder", config.ToJson(), new ControlNetModel(config));
        var file = _folder.File("single.safetensors");
        File.Copy(Path.Combine(folder, "diffusion_pytorch_model.safetensors"), file);
        var xl = _folder.Copy(Fixtures.Path("models", "sdxl"), "xl");
        Directory.Delete(Path.Combine(xl, "unet"), recursive: true);
        Write(Path.Combine("xl", "unet"), unet.ToJson(), new UNet2DConditionModel(unet));

        using var model = DiffusionModel.Load(xl, Cpu);
        var condition = new ImageBuffer(64, 64, 3);
        condition.Samples.AsSpan(0, condition.Samples.Length / 2).Fill(byte.MaxValue);
        byte[] Generate(string? path)
        {
            using var network = path is null ? null : ControlNetwork.Load(path, Cpu);
            Assert.True(network is null || network.Config.AttendsToText != fitsAnyText);
            var options = new GenerateOptions { Steps = 2, Width = 64, Height = 64, Seed = 1 };
            return (network is null ? model.Generate("red", options) : model.Generate("red", [new ControlInput(network, condition)], options)).Image.Samples.ToArray();
        }

        var (without, single) = (Generate(null), Generate(file));
        Assert.NotEqual(without, single);
        Assert.Equal(Generate(folder), single);
    }

    [Fact]
    public void A_network_without_attention_fits_any_text_width_but_no_other_pooled_text()
    {
        Assert.SkipUnless(Fixtures.Has("beyond", "fewer", "small"), $"No networks in {Fixtures.Root}.");
        using var model = DiffusionModel.Load(Fixtures.Path("models", "sdxl"), Cpu);
        var config = ControlFolder.Open(Fixtures.Path("beyond", "fewer", "small")).Config;
        Generate(config with { CrossAttentionDim = 2048 });
        Generate(config with { CrossAttentionDim = 2048, AdditionEmbedType = null });
        Assert.EndsWith(
            $"control' is of another family than the model '{model.Name}': it has pooled text width 32, expected 24.", Refused(config with { ProjectionClassEmbeddingsInputDim = 80 }), StringComparison.Ordinal);
        Assert.EndsWith("it has text width 2048, expected 40; blocks per level 1, expected 2.", Refused(config with { TransformerLayersPerBlock = [0, 0, 1], CrossAttentionDim = 2048, LayersPerBlock = 1 }), StringComparison.Ordinal);

        string Refused(ControlNetConfig wrong) => Assert.Throws<ControlNetException>(() => Generate(wrong)).Message;

        void Generate(ControlNetConfig changed)
        {
            using var network = ControlNetwork.Load(Write("control", changed.ToJson(), new ControlNetModel(changed)), Cpu);
            model.Generate("red", [new ControlInput(network, new ImageBuffer(64, 64, 3))], new GenerateOptions { Steps = 1, Width = 64, Height = 64 });
        }
    }

    private string Write(string name, string config, TorchSharp.torch.nn.Module network)
    {
        using (network)
        {
            var folder = _folder.File(name);
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, "config.json"), config);
            WeightFiles.Write(Path.Combine(folder, "diffusion_pytorch_model.safetensors"), RandomWeights.Fill(network).named_parameters().Select(entry => (entry.name, (TorchSharp.torch.Tensor)entry.parameter)));
            return folder;
        }
    }
}
