using ControlNet.ML.Imaging;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Weights;

/// <summary>Files of other kinds are recognised by what is in them, and messages name the kind.</summary>
public sealed class WeightKindTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a LoRA", "lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight", "lora_unet_down_blocks_0_attentions_0_proj_in.alpha")]
    [InlineData("a LoRA", "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight")]
    [InlineData("a LoRA", "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight")]
    [InlineData("a LoRA", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora.up.weight")]
    [InlineData("a LoRA", "x.hada_w1_a")]
    [InlineData("an IP-Adapter", "image_proj.proj.weight", "ip_adapter.1.to_k_ip.weight", "ip_adapter.0.to_q_lora.down.weight")]
    [InlineData("a T2I-Adapter", "conv_in.weight", "body.0.block1.weight", "body.2.in_conv.weight")]
    [InlineData("a T2I-Adapter", "adapter.conv_in.weight", "adapter.body.0.resnets.0.block1.weight")]
    [InlineData("a ControlNet-LLLite", "lllite_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q.down.0.weight")]
    [InlineData("a Control-LoRA, which needs a UNet that is not in the file", "lora_controlnet", "input_hint_block.0.weight")]
    [InlineData("a ControlNet-Union", "controlnet_cond_embedding.conv_in.weight", "task_embedding")]
    [InlineData("a control network", "control_model.input_hint_block.0.weight", "model.diffusion_model.out.2.bias", "first_stage_model.x")]
    [InlineData("a control network of a diffusion transformer (FLUX, Stable Diffusion 3)", "controlnet_x_embedder.weight", "transformer_blocks.0.attn.to_q.weight")]
    [InlineData("an AnimateDiff motion module", "down_blocks.0.motion_modules.0.temporal_transformer.norm.weight")]
    [InlineData("a diffusion transformer (FLUX, Stable Diffusion 3)", "model.diffusion_model.double_blocks.0.img_attn.qkv.weight")]
    [InlineData("a base checkpoint", "model.diffusion_model.out.2.bias", "first_stage_model.decoder.conv_in.weight", "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight")]
    [InlineData("a base checkpoint", "model.diffusion_model.out.2.bias", "conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight")]
    [InlineData("a UNet in the original naming", "model.diffusion_model.out.2.bias")]
    [InlineData("a VAE", "encoder.conv_in.weight", "decoder.conv_in.weight")]
    [InlineData("a VAE", "first_stage_model.encoder.conv_in.weight", "first_stage_model.decoder.conv_in.weight")]
    [InlineData("a tiny VAE (TAESD)", "encoder.layers.0.weight", "decoder.layers.1.weight")]
    [InlineData("a text encoder", "text_model.embeddings.token_embedding.weight")]
    [InlineData("a text encoder", "embeddings.token_embedding.weight")]
    [InlineData("a CLIP image encoder", "vision_model.embeddings.class_embedding")]
    [InlineData("a CLIP model of text and images", "vision_model.embeddings.class_embedding", "text_model.embeddings.token_embedding.weight")]
    [InlineData("a T5 text encoder", "encoder.block.0.layer.0.SelfAttention.q.weight")]
    [InlineData("an upscaler (ESRGAN)", "body.0.rdb1.conv1.weight")]
    [InlineData(null, "weight")]
    [InlineData(null, "down_blocks.0.resnets.0.conv1.weight")]
    public void A_kind_is_recognised_by_the_names_of_its_tensors(string? kind, params string[] names) =>
        Assert.Equal(kind, WeightKind.Recognise(names.ToDictionary(name => name, _ => new long[] { 4, 4 }))?.Words);

    [Theory]
    [InlineData("emb_params", 2, 768, true)]
    [InlineData("<cat-toy>", 1, 1024, true)]
    [InlineData("emb_params", 2, 700, true)]
    [InlineData("<cat-toy>", 2, 700, false)]
    [InlineData("a.weight", 2, 768, false)]
    public void A_textual_inversion_is_recognised_by_its_width(string name, int rows, int width, bool isOne) =>
        Assert.Equal(isOne, WeightKind.Recognise(new Dictionary<string, long[]> { [name] = [rows, width] })?.Words == "a textual inversion");

    [Fact]
    public void The_networks_of_a_model_are_recognised_as_what_they_are()
    {
        Assert.SkipUnless(Fixtures.Has("models", "sd1"), $"No models in {Fixtures.Root}.");
        Is(NetworkKind.UNet, "sd1", "unet", "diffusion_pytorch_model.safetensors");
        Is(NetworkKind.Autoencoder, "sd1", "vae", "diffusion_pytorch_model.safetensors");
        Is(NetworkKind.TextEncoder, "sd1", "text_encoder", "model.safetensors");
        Is(NetworkKind.ControlNetwork, "sd1-control-a", "diffusion_pytorch_model.safetensors");

        static void Is(NetworkKind kind, params string[] file)
        {
            using var weights = SafetensorsFile.Open(Fixtures.Path(["models", .. file]));
            Assert.Equal(kind, WeightKind.Recognise(weights)?.Network);
        }
    }

    [Theory]
    [InlineData("a textual inversion", "ti-string_to_param.pt")]
    [InlineData("a textual inversion", "ti-parameterdict.pt")]
    [InlineData("a textual inversion", "ti-emb_params.safetensors")]
    [InlineData("a textual inversion", "ti-sdxl.safetensors")]
    [InlineData("a LoRA", "lora-a-kohya.safetensors")]
    [InlineData("a LoRA", "lora-old-processors.safetensors")]
    public void Small_files_are_recognised_whatever_their_container(string words, string name)
    {
        using var file = TensorFile.Open(Fixtures.Path("adapters", name));
        Assert.Equal(words, WeightKind.Recognise(file)?.Words);
    }

    [Fact]
    public void Weights_of_another_kind_in_a_models_folder_are_named_before_what_differs()
    {
        Assert.SkipUnless(Fixtures.Has("models", "sd1"), $"No models in {Fixtures.Root}.");
        var root = _folder.Copy(Fixtures.Path("models", "sd1"), "sd1");
        File.Copy(Path.Combine(root, "vae", "diffusion_pytorch_model.safetensors"), Path.Combine(root, "unet", "diffusion_pytorch_model.safetensors"), overwrite: true);
        Says("unet/diffusion_pytorch_model.safetensors: is a VAE, expected a UNet.", () => ModelFolder.Open(root).CheckWeights());
    }

    [Fact]
    public void A_file_of_another_kind_is_named()
    {
        var lora = Weights("any.safetensors", "lora_unet_x.lora_down.weight");
        var checkpoint = Weights("model.safetensors", "model.diffusion_model.out.2.bias", "conditioner.x");
        Says("is a LoRA; expected a base model of Stable Diffusion.", () => ModelFolder.Open(lora));
        Says("is a base checkpoint; expected a control network.", () => ControlFile.Open(checkpoint));
        Says("is a LoRA; expected the folder of a control network (this is a file)", () => ControlFolder.Open(lora));
        Says("is GGUF", () => ModelFolder.Open(_folder.Write("x.bin", [.. "GGUF"u8, 3, 0, 0, 0, .. new byte[64]])));
        Says("is a web page (HTML)", () => ModelFolder.Open(_folder.Write("y.ckpt", [.. "<!DOCTYPE html><html>"u8])));
    }

    [Fact]
    public void The_root_of_a_hub_cache_is_told_which_folder_in_it_to_use()
    {
        var model = _folder.File("hub", "models--someone--something");
        foreach (var part in (string[])["blobs", "refs", "snapshots/0123", "snapshots/abcd"])
            Directory.CreateDirectory(Path.Combine(model, part));
        Says("'" + Path.Combine(model, "snapshots/abcd") + "'", () => ModelFolder.Open(model));
        File.WriteAllText(Path.Combine(model, "refs", "main"), "0123\n");
        Says("is the root of a hub cache: use '" + Path.Combine(model, "snapshots/0123") + "'; expected a model folder", () => ModelFolder.Open(model));
        Says("snapshots/0123'; expected the folder of a control network", () => ControlFolder.Open(model));
        Says("is the hub's cache of several models", () => ModelFolder.Open(_folder.File("hub")));
    }

    [Fact]
    public void A_folder_with_only_a_file_of_another_kind_is_said_to_hold_it()
    {
        Directory.CreateDirectory(_folder.File("own"));
        Weights("own/pytorch_model.safetensors", "image_proj.x");
        Says("holds 'pytorch_model.safetensors', an IP-Adapter; expected the folder of a control network", () => ControlFolder.Open(_folder.File("own")));
        Says("pytorch_model.safetensors: is an IP-Adapter; expected a base model", () => ModelFolder.Open(_folder.File("own")));
        _folder.Write("own/model_index.json", [.. "{}"u8]);
        Says("is the folder of a base model", () => ControlFolder.Open(_folder.File("own")));
    }

    [Theory]
    [InlineData("Entry not found", "is text that begins with 'Entry not found'")]
    [InlineData("{\"error\":\"Access to model is restricted\"}", "not the file itself (a failed download?)")]
    [InlineData("\u0089PNG\r\n\u001a\n12345678", "is an image")]
    [InlineData("\u001f\u008b\b\0\0\0\0\0\0\0", "is compressed by gzip")]
    [InlineData("\b\u0007\u0012\u0007pytorch\u001a\u0003", "is an ONNX graph")]
    [InlineData("\u0089HDF\r\n\u001a\n12345678", "is HDF5")]
    public void What_a_download_or_another_program_left_is_recognised_by_its_first_bytes(string start, string message) =>
        Says(message, () => SafetensorsFile.Open(_folder.Write("x.safetensors", System.Text.Encoding.Latin1.GetBytes(start))));

    [Fact]
    public void An_image_that_is_a_pointer_or_a_page_is_said_to_be_one()
    {
        Says("is not an image: it is a Git LFS pointer", () => ImageCodec.Load(_folder.Write("a.png", [.. "version https://git-lfs.github.com/spec/v1\n"u8])));
        Says("is not an image: it is a web page", () => ImageHeader.Read(_folder.Write("b.png", [.. "<html></html>"u8])));
        Says("or its header is damaged or cut off", () => ImageCodec.Load(_folder.Write("c.png", [0xff, 0xd8, 0xff, 0])));
    }

    private string Weights(string name, params string[] keys) =>
        Written.To(_folder.File(name), [.. keys.Select(key => TensorContent.FromFloats(key, new float[4], 4))]);

    private static void Says(string message, Func<object> open) => Says(message, () => { open(); });

    private static void Says(string message, Action open) =>
        Assert.Contains(message, Assert.Throws<ControlNetException>(open).Message, StringComparison.Ordinal);
}
