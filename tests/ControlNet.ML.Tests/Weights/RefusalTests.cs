using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Weights;

/// <summary>What is refused before anything is read, and what is said of folders that lack something.</summary>
public sealed class RefusalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Names_are_given_for_sound_configurations_only()
    {
        Assert.Throws<ArgumentNullException>(() => KeyMap.For((UNetConfig)null!));
        Assert.Throws<ArgumentNullException>(() => KeyMap.For((ControlNetConfig)null!));
        Assert.Throws<ArgumentNullException>(() => KeyMap.For((AutoencoderConfig)null!));
        Assert.Throws<ArgumentNullException>(() => KeyMap.For((ClipTextConfig)null!));
        Assert.Throws<ControlNetException>(() => KeyMap.For(UNetConfig.StableDiffusion15 with { LayersPerBlock = 0 }));
        Assert.Throws<ControlNetException>(() => KeyMap.For(ControlNetConfig.StableDiffusion15 with { LayersPerBlock = 0 }));
        Assert.Throws<ControlNetException>(() => KeyMap.For(AutoencoderConfig.StableDiffusion15 with { LayersPerBlock = 0 }));
        Assert.Throws<ControlNetException>(() => KeyMap.For(ClipTextConfig.ClipL with { NumHiddenLayers = 0 }));
        Assert.Contains("ControlNet-lite", Assert.Throws<ControlNetException>(() => KeyMap.For(ControlNetConfig.StableDiffusion15 with { Lite = true })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_no_control_network_is_said_so()
    {
        _folder.Write("file.safetensors", []);
        Directory.CreateDirectory(_folder.File("empty"));
        Assert.ThrowsAny<ArgumentException>(() => ControlFolder.Open(""));
        Says(() => ControlFolder.Open(_folder.File("empty")), "has no config.json, expected the folder of a control network (or a single file of one)");
        Says(() => ControlFolder.Open(_folder.File("file.safetensors")), "(this is a file)");
        File.WriteAllText(_folder.File("empty", "config.json"), ControlNetConfig.StableDiffusion15.ToJson());
        Says(() => ControlFolder.Open(_folder.File("empty")), "'diffusion_pytorch_model.safetensors' (or 'diffusion_pytorch_model.bin') is missing");
    }

    [Fact]
    public void A_file_is_opened_by_a_name_and_with_a_sound_configuration()
    {
        Assert.ThrowsAny<ArgumentException>(() => ControlFile.Open(""));
        Assert.ThrowsAny<ArgumentException>(() => SafetensorsFile.Open(""));
        Assert.ThrowsAny<ArgumentException>(() => ModelFolder.Open(""));
        Says(() => ControlFile.Open(_folder.File("none.safetensors"), ControlNetConfig.StableDiffusion15 with { LayersPerBlock = 0 }), "layers_per_block");
    }

    [Fact]
    public void A_model_that_is_not_there_or_a_file_is_said_so()
    {
        _folder.Write("file", []);
        Says(() => ModelFolder.Open(_folder.File("file")), "the file has 0 bytes, expected a safetensors file");
        Says(() => ModelFolder.Open(_folder.File("none")), "does not exist, expected a model folder with model_index.json, or a single file");
    }

    [Fact]
    public void Every_file_that_a_part_needs_is_missed()
    {
        var root = Model();
        File.Delete(Path.Combine(root, "scheduler", "scheduler_config.json"));
        foreach (var file in Directory.EnumerateFiles(Path.Combine(root, "tokenizer")))
            File.Delete(file);
        Directory.Delete(Path.Combine(root, "vae"), recursive: true);
        var message = Assert.Throws<ControlNetException>(() => ModelFolder.Open(root)).Message;
        Assert.Contains("the folder 'vae'", message, StringComparison.Ordinal);
        Assert.DoesNotContain("'vae/config.json'", message, StringComparison.Ordinal);
        Assert.Contains("'scheduler/scheduler_config.json'", message, StringComparison.Ordinal);
        Assert.Contains("'tokenizer/vocab.json'", message, StringComparison.Ordinal);
        Assert.Contains("'tokenizer/merges.txt'", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Networks_that_are_not_wanted_need_no_weights_but_their_configurations()
    {
        var root = Model();
        File.Delete(Path.Combine(root, "unet", "diffusion_pytorch_model.safetensors"));
        Directory.Delete(Path.Combine(root, "tokenizer"), recursive: true);
        Assert.Equal(ModelParts.Autoencoder, ModelFolder.Open(root, parts: ModelParts.Autoencoder).Loaded);
        Says(() => ModelFolder.Open(root, parts: ModelParts.UNet), "'unet': 'diffusion_pytorch_model.safetensors' (or 'diffusion_pytorch_model.bin') is missing");
        Says(() => ModelFolder.Open(root, parts: ModelParts.TextEncoder), "the folder 'tokenizer'");
        File.Delete(Path.Combine(root, "unet", "config.json"));
        Says(() => ModelFolder.Open(root, parts: ModelParts.Autoencoder), "'unet/config.json'");
    }

    [Fact]
    public void Variants_that_there_are_stand_in_the_message_in_order()
    {
        var root = Model();
        Says(() => ModelFolder.Open(root, "fp16"), "there are only plain files");
        foreach (var variant in (string[])["fp16", "bf16"])
            File.Copy(Path.Combine(root, "unet", "diffusion_pytorch_model.safetensors"), Path.Combine(root, "unet", $"diffusion_pytorch_model.{variant}.safetensors"));
        Says(() => ModelFolder.Open(root, "ema"), "there are 'bf16', 'fp16'");
        var model = ModelFolder.Open(root, "fp16");
        Assert.Throws<ArgumentException>(() => model.Folder("text_encoder_2"));
        Assert.Throws<ArgumentException>(() => model.OpenWeights("tokenizer"));
    }

    private static void Says(Action action, string message) =>
        Assert.Contains(message, Assert.Throws<ControlNetException>(action).Message, StringComparison.Ordinal);

    private string Model()
    {
        Assert.SkipUnless(Fixtures.Has("models", "sd1"), $"No models in {Fixtures.Root}.");
        return _folder.Copy(Fixtures.Path("models", "sd1"), "model");
    }
}
