using System.Text;
using System.Text.Json.Nodes;

namespace ControlNet.ML.Cli.Tests;

/// <summary><c>models FOLDER</c> says whether a folder can be used, and if not, why.</summary>
public sealed class ModelsFolderTests : IDisposable
{
    private readonly Tool _tool = new();
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Models() => new("sd1", "sd2-v", "sdxl", "sd1-inpaint", "sd2-depth", "sd1-control-a", "sdxl-control-a");

    [Theory, MemberData(nameof(Models))]
    public async Task A_sound_folder_passes(string model)
    {
        var answer = await _tool.RunAsync("models", Fixtures.Path("models", model));
        Assert.Equal((0, ""), (answer.Code, answer.Error));
    }

    [Theory]
    [InlineData("sd1", "unet/config.json", "cross_attention_dim", "64", "unet/diffusion_pytorch_model.safetensors", "expected [")]
    [InlineData("sd1", "vae/config.json", "latent_channels", "8", "vae/diffusion_pytorch_model.safetensors", "expected [")]
    [InlineData("sd1", "text_encoder/config.json", "num_hidden_layers", "9", "text_encoder/model.safetensors", "missing")]
    [InlineData("sd1", "text_encoder/config.json", "vocab_size", "100", "vocab.json", "but text_encoder embeds 100 tokens")]
    [InlineData("sdxl", "tokenizer_2/tokenizer_config.json", "model_max_length", "20", "'tokenizer_2' 20", "expected as many")]
    [InlineData("sdxl", "tokenizer/tokenizer_config.json", "model_max_length", "20", "'tokenizer' gives 20 tokens", "expected as many")]
    [InlineData("sd1", "scheduler/scheduler_config.json", "beta_start", "\"x\"", "scheduler/scheduler_config.json", "expected a number")]
    [InlineData("sd1-control-a", "config.json", "cross_attention_dim", "64", "diffusion_pytorch_model.safetensors", "expected [")]
    public async Task What_does_not_fit_is_one_error_that_names_the_place(string model, string file, string key, string value, string place, string why)
    {
        var copy = _folder.Copy(Fixtures.Path("models", model), "model");
        var path = Path.Combine(copy, file);
        var json = JsonNode.Parse(File.ReadAllBytes(path))!.AsObject();
        json[key] = JsonNode.Parse(value);
        File.WriteAllText(path, json.ToJsonString());

        await Fails(copy, place, why);
    }

    [Fact]
    public async Task The_control_networks_in_the_folder_are_looked_at_too()
    {
        var copy = _folder.Copy(Fixtures.Path("models", "sd1"), "model");
        var network = Path.Combine(copy, "controlnet", "edges");
        Directory.CreateDirectory(Path.GetDirectoryName(network)!);
        Directory.Move(_folder.Copy(Fixtures.Path("models", "sd1-control-a"), "network"), network);
        var answer = await _tool.RunAsync("models", copy);
        Assert.Equal((0, ""), (answer.Code, answer.Error));
        Assert.Contains("edges", answer.Output, StringComparison.Ordinal);

        File.WriteAllText(Path.Combine(network, "config.json"), "{");
        await Fails(copy, "edges", "config.json");
    }

    [Theory]
    [InlineData("unet/config.json", "{\"_class_name\": \"\\ud800\"}", "an unpaired surrogate")]
    [InlineData("scheduler/scheduler_config.json", "{\"_class_name\": \"\\ud800\"}", "an unpaired surrogate")]
    [InlineData("tokenizer/tokenizer_config.json", "{\"\\ud800\": 1}", "an unpaired surrogate")]
    [InlineData("tokenizer/vocab.json", "{\"\\ud800\": 1}", "an unpaired surrogate")]
    [InlineData("model_index.json", "{\"_class_name\": [\"\\ud800\"]}", "an unpaired surrogate")]
    public async Task A_text_that_is_none_is_one_error_that_names_the_file(string file, string content, string why)
    {
        var copy = _folder.Copy(Fixtures.Path("models", "sd1"), "model");
        File.WriteAllText(Path.Combine(copy, file), content, Encoding.ASCII);

        await Fails(copy, Path.GetFileName(file), why);
    }

    [Theory]
    [InlineData("small", "no cross-attention to the text", null, 138)]
    [InlineData("small-plain-mid", "no cross-attention to the text", null, 122)]
    [InlineData("mid", "text width 40", 40, 222)]
    public async Task Networks_with_fewer_attentions_say_whether_they_attend_to_the_text(string network, string said, int? textWidth, int tensors)
    {
        Assert.SkipUnless(Fixtures.Has("beyond", "fewer", network), $"No networks in {Fixtures.Root}.");
        var answer = await _tool.RunAsync("models", Fixtures.Path("beyond", "fewer", network));
        Assert.Equal((0, ""), (answer.Code, answer.Error));
        Assert.Contains($"control network, {said}, channels 8, 16, 16, 10 residuals", answer.Output, StringComparison.Ordinal);
        var json = JsonNode.Parse((await _tool.RunAsync("models", Fixtures.Path("beyond", "fewer", network), "--json")).Output)!;
        Assert.Equal((textWidth, tensors), ((int?)json["text_width"], (int)json["part"]!["tensors"]!));
    }

    [Theory]
    [InlineData("mid_block_type", "\"UNetMidBlock2D\"", "16 unexpected: 'mid_block.attentions.0.norm.bias'")]
    [InlineData("mid_block_type", "\"Middle\"", "small/config.json: 'mid_block_type' is 'Middle', expected 'UNetMidBlock2DCrossAttn' or 'UNetMidBlock2D'")]
    [InlineData("mid_block_type", "null", "small/config.json: 'mid_block_type' is null, expected 'UNetMidBlock2DCrossAttn' or 'UNetMidBlock2D'")]
    [InlineData("transformer_layers_per_block", "[0, -1, 0]", "small/config.json: 'transformer_layers_per_block' is -1, expected 0 to 32")]
    [InlineData("transformer_layers_per_block", "[0, 0]", "small/config.json: 'transformer_layers_per_block' is a list of 2, expected 3")]
    [InlineData("transformer_layers_per_block", "[0, 0, 1]", "20 missing: 'mid_block.attentions.0.transformer_blocks.0.norm1.weight'")]
    [InlineData("down_block_types", "[\"DownBlock2D\", \"CrossAttnDownBlock2D\", \"DownBlock2D\"]", "12 missing: 'down_blocks.1.attentions.0.norm.weight'")]
    public async Task Networks_with_fewer_attentions_have_to_be_those_of_their_configuration(string key, string value, string why)
    {
        Assert.SkipUnless(Fixtures.Has("beyond", "fewer", "small"), $"No networks in {Fixtures.Root}.");
        var copy = _folder.Copy(Fixtures.Path("beyond", "fewer", "small"), "small");
        var json = JsonNode.Parse(File.ReadAllBytes(Path.Combine(copy, "config.json")))!.AsObject();
        json[key] = JsonNode.Parse(value);
        File.WriteAllText(Path.Combine(copy, "config.json"), json.ToJsonString());

        await Fails(copy, why);
    }

    public void Dispose()
    {
        _tool.Dispose();
        _folder.Dispose();
    }

    private async Task Fails(string folder, params string[] said)
    {
        var answer = await _tool.RunAsync("models", folder);
        Assert.Equal((1, ""), (answer.Code, answer.Output));
        Assert.StartsWith("error: ", answer.Error, StringComparison.Ordinal);
        Assert.Single(answer.Error.TrimEnd().Split('\n'));
        Assert.All(said, part => Assert.Contains(part, answer.Error, StringComparison.Ordinal));
    }
}
