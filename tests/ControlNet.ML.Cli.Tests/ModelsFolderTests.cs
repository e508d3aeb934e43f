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

    [Theory]
    [InlineData("unet/config.json", "{\"_class_name\": \"\\ud800\"}", "half of a surrogate pair")]
    [InlineData("scheduler/scheduler_config.json", "{\"_class_name\": \"\\ud800\"}", "half of a surrogate pair")]
    [InlineData("tokenizer/tokenizer_config.json", "{\"\\ud800\": 1}", "half of a surrogate pair")]
    [InlineData("tokenizer/vocab.json", "{\"\\ud800\": 1}", "half of a surrogate pair")]
    [InlineData("model_index.json", "{\"_class_name\": [\"\\ud800\"]}", "half of a surrogate pair")]
    public async Task A_text_that_is_none_is_one_error_that_names_the_file(string file, string content, string why)
    {
        var copy = _folder.Copy(Fixtures.Path("models", "sd1"), "model");
        File.WriteAllText(Path.Combine(copy, file), content, Encoding.ASCII);

        await Fails(copy, Path.GetFileName(file), why);
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
