using System.Security.Cryptography;
using System.Text.Json.Nodes;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests;

/// <summary>Single files with the tool: converted, described, and used as models.</summary>
public sealed class SingleFileTests : IDisposable
{
    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public async Task A_model_converted_to_one_file_and_back_gives_the_same_image()
    {
        await Done("convert", "emoji", "--output", "emoji.safetensors");
        await Done("convert", "emoji.safetensors", "-o", "folder");
        string[] how = ["generate", "red apple, fluent 3d emoji", "--steps", "2", "--seed", "3", "--output"];
        await Done([.. how, "a.png"]);
        await Done([.. how, "b.png", "--model", "emoji.safetensors"]);
        await Done([.. how, "c.png", "--model", "folder"]);
        var image = ImageCodec.Load("a.png").Samples.ToArray();
        Assert.Equal(image, ImageCodec.Load("b.png").Samples.ToArray());
        Assert.Equal(image, ImageCodec.Load("c.png").Samples.ToArray());

        var told = JsonNode.Parse(await Done("models", "emoji.safetensors", "--hash", "--json"))!;
        Assert.Equal("Stable Diffusion 1", (string)told["family"]!);
        Assert.Equal(64, ((string)told["sha256"]!).Length);
        Assert.Equal(((string)told["sha256"]!)[..10].ToUpperInvariant(), (string)told["auto_v2"]!);
        Assert.Equal(2, (double)told["defaults"]!["guidance"]!);
    }

    [Fact]
    public async Task Images_name_their_weights_by_hash()
    {
        await Done("convert", "emoji", "--output", "emoji.safetensors");
        await Done("convert", "emoji/canny", "--output", "canny.safetensors");
        string[] how = ["generate", "panda", "--photo", Tool.Photo, "--steps", "1", "--json", "--output", "x.png"];
        var single = JsonNode.Parse(await Done([.. how, "--model", "emoji.safetensors", "--control", "canny.safetensors"]))!["pictures"]![0]!["provenance"]!;
        Assert.Equal(Hash("emoji.safetensors"), (string?)single["model_sha256"]);
        Assert.Equal(Hash("canny.safetensors"), (string?)single["control_1_sha256"]);
        var folder = JsonNode.Parse(await Done(how))!["pictures"]![0]!["provenance"]!;
        Assert.Equal(Hash(ControlNet.ML.Emoji.EmojiModel.Folder + "/unet/diffusion_pytorch_model.safetensors"), (string?)folder["unet_sha256"]);
        Assert.Equal(Hash(ControlNet.ML.Emoji.EmojiModel.Folder + "/controlnet/canny/diffusion_pytorch_model.safetensors"), (string?)folder["control_1_sha256"]);

        static string Hash(string file) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)));
    }

    [Fact]
    public async Task A_control_network_in_one_file_of_half_precision_is_used_as_it_is()
    {
        await Done("convert", "emoji/canny", "--output", "canny.safetensors", "--dtype", "bf16");
        Assert.Contains("BF16", await Done("models", "canny.safetensors"), StringComparison.Ordinal);
        await Done("generate", "panda", "--control", "canny.safetensors", "--photo", Tool.Photo, "--steps", "1", "--output", "x.png");
    }

    [Fact]
    public async Task A_pruned_model_takes_its_VAE_from_another_file()
    {
        var (pruned, whole, config) = (Fixtures.Path("weights", "sd1-fp32.safetensors"), Fixtures.Path("weights", "sd1-fp16.safetensors"), Fixtures.Path("models", "sd1"));
        string[] how = ["generate", "apple", "--model", pruned, "--size", "64", "--steps", "1", "--config", config, "--output"];
        await Done([.. how, "a.png", "--vae", whole]);
        await Done([.. how, "b.png"]);

        // The file holds the folder's weights, bit for bit; the other VAE the same in half precision.
        await Done("generate", "apple", "--model", config, "--size", "64", "--steps", "1", "--output", "folder.png");
        Assert.Equal(ImageCodec.Load("folder.png").Samples.ToArray(), ImageCodec.Load("b.png").Samples.ToArray());
        Assert.NotEqual(ImageCodec.Load("folder.png").Samples.ToArray(), ImageCodec.Load("a.png").Samples.ToArray());

        var answer = await _tool.RunAsync("generate", "apple", "--model", pruned, "--output", "c.png");
        Assert.Equal(1, answer.Code);
        Assert.Contains("pruned of its VAE: give one with --vae", answer.Error, StringComparison.Ordinal);
        Assert.False(File.Exists("c.png"));
    }

    [Fact]
    public async Task A_file_of_any_kind_is_described()
    {
        Assert.Contains("tensors", await Done("models", Fixtures.Path("adapters", "ti-string_to_param.pt")), StringComparison.Ordinal);
        var told = JsonNode.Parse(await Done("models", Fixtures.Path("adapters", "ti-string_to_param.pt"), "--json"))!;
        Assert.Equal("my-style", (string)told["metadata"]!["name"]!);
    }

    [Theory]
    [InlineData(2, "pickles are read, not written", "convert", "emoji", "--output", "x.ckpt")]
    [InlineData(1, "No model 'nothing'", "convert", "nothing", "--output", "x")]
    [InlineData(2, "--hash needs a file", "models", "emoji", "--hash")]
    [InlineData(1, "is a model folder, which has its own settings; --extract-ema", "generate", "apple", "--extract-ema", "--output", "x.png")]
    [InlineData(2, "--vae is for base models, and 'emoji/canny' is none", "models", "emoji/canny", "--vae", "x")]
    [InlineData(2, "--vae is for base models, and 'emoji/canny' is none", "convert", "emoji/canny", "--vae", "x", "--output", "y")]
    public async Task What_cannot_be_done_is_said(int code, string message, params string[] args)
    {
        var answer = await _tool.RunAsync(args);
        Assert.Equal(code, answer.Code);
        Assert.Contains(message, answer.Error, StringComparison.Ordinal);
        Assert.Empty(_tool.Files);
    }

    private async Task<string> Done(params string[] args)
    {
        var answer = await _tool.RunAsync(args);
        Assert.Equal((0, ""), (answer.Code, answer.Error));
        return answer.Output;
    }
}
