using System.Text.Json;

namespace ControlNet.ML.Cli.Tests;

/// <summary>The tool and a hub on this computer, which the environment names.</summary>
public sealed class HubTests : IDisposable
{
    private const string Id = HubServer.Repository;
    private static readonly string[] Variables = ["HF_ENDPOINT", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_HOME", "HF_TOKEN"];

    private readonly Tool _tool = new();
    private readonly HubServer _server = new();
    private readonly Dictionary<string, string?> _before = Variables.ToDictionary(name => name, Environment.GetEnvironmentVariable);

    public HubTests()
    {
        foreach (var name in Variables)
            Environment.SetEnvironmentVariable(name, null);
        Environment.SetEnvironmentVariable("HF_ENDPOINT", _server.Address.AbsoluteUri);
        Environment.SetEnvironmentVariable("HF_HOME", Path.Combine(_tool.Folder, "home"));
    }

    private string Snapshot => Path.Combine(_tool.Folder, "home", "hub", "models--someone--some-model", "snapshots", HubServer.Commit);

    public void Dispose()
    {
        foreach (var (name, value) in _before)
            Environment.SetEnvironmentVariable(name, value);
        _server.Dispose();
        _tool.Dispose();
    }

    [Fact]
    public async Task Download_prints_the_place_and_models_lists_it()
    {
        AddModel();
        Assert.StartsWith("No model is in the hub's cache", (await _tool.RunAsync("models", "--cached")).Output, StringComparison.Ordinal);
        Assert.Equal(new Answer(App.Success, Snapshot + Environment.NewLine, ""), await _tool.RunAsync("download", Id));
        var answer = await _tool.RunAsync("models", "--cached");
        Assert.StartsWith($"{Id}  model, ", answer.Output, StringComparison.Ordinal);
        Assert.Contains($" MB, main {HubServer.Commit[..8]}, {Snapshot}", answer.Output, StringComparison.Ordinal);

        var listed = JsonDocument.Parse((await _tool.RunAsync("models", "--cached", "--json")).Output).RootElement.GetProperty("models")[0];
        Assert.Equal((Id, Snapshot, true), (listed.GetProperty("id").GetString(), listed.GetProperty("folder").GetString(), listed.GetProperty("is_model").GetBoolean()));
        var fetched = JsonDocument.Parse((await _tool.RunAsync("download", Id, "--json")).Output).RootElement.GetProperty("models")[0];
        Assert.Equal((Id, Snapshot), (fetched.GetProperty("id").GetString(), fetched.GetProperty("path").GetString()));
        Assert.Contains("StableDiffusionPipeline", (await _tool.RunAsync("models", Id)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Generate_and_score_fetch_LoRAs_and_textual_inversions()
    {
        AddModel();
        _server.Add("style/pytorch_lora_weights.safetensors", File.ReadAllBytes(Fixtures.Path("adapters", "lora-a-peft.safetensors")));
        _server.Add("words/new.safetensors", File.ReadAllBytes(Fixtures.Path("adapters", "ti-diffusers.safetensors")));
        string[] common = ["--model", Id, "--embedding", $"{Id}:words/new.safetensors:<new>", "--steps", "1", "--size", "64", "--prompt-syntax", "plain"];
        var made = await _tool.RunAsync(["generate", "a <new> fox", .. common, "--lora", $"{Id}:style:0.5", "--output", "x.png", "--json"]);
        Assert.Equal(App.Success, made.Code);
        Assert.Contains($"{Id}@{HubServer.Commit}:style", made.Output, StringComparison.Ordinal);

        File.WriteAllText("rows.csv", $"prompt,lora\na <new> fox,{Id}:style:0.5\n");
        Assert.Equal(App.Success, (await _tool.RunAsync(["score", "rows.csv", .. common, "--out", "scored"])).Code);
    }

    [Fact]
    public async Task Generate_fetches_the_model_and_the_control_network_once()
    {
        AddModel();
        _server.AddFolder(Fixtures.Path("models", "sd1-control-a"), "control/canny/");
        string[] command = ["generate", "x", "--model", Id, "--control", $"{Id}:control/canny:0.5", "--condition", Tool.Photo, "--steps", "1", "--size", "64", "--output", "x.png"];
        Assert.Equal(App.Success, (await _tool.RunAsync(command)).Code);
        var requests = _server.Requests.Count;
        Assert.Equal(App.Success, (await _tool.RunAsync(command)).Code);
        Assert.Equal(requests, _server.Requests.Count);
    }

    [Fact]
    public async Task Of_a_model_with_weights_and_graphs_the_runtime_decides_what_is_fetched()
    {
        AddModel();
        _server.AddFolder(OnnxLayouts.Put("sd1", "", "graphs"));
        string[] command = ["generate", "x", "--model", Id, "--steps", "1", "--size", "64", "--output", "x.png"];
        Assert.Equal(App.Success, (await _tool.RunAsync("download", Id, "--backend", "onnx")).Code);
        Assert.True(File.Exists(Path.Combine(Snapshot, "unet", "model.onnx_data")));
        Assert.Empty(Directory.EnumerateFiles(Snapshot, "*.safetensors", SearchOption.AllDirectories));
        var requests = _server.Requests.Count;
        Assert.Equal(App.Success, (await _tool.RunAsync([.. command, "--backend", "onnx"])).Code);
        Assert.Equal(requests, _server.Requests.Count);

        // That the cache has graphs does not make them the ones that are meant.
        Assert.Equal(App.Success, (await _tool.RunAsync(command)).Code);
        Assert.True(File.Exists(Path.Combine(Snapshot, "unet", "diffusion_pytorch_model.safetensors")));
    }

    [Fact]
    public async Task Graphs_in_the_cache_are_listed_and_described()
    {
        _server.AddFolder(OnnxLayouts.Put("sd1", "", "graphs"));
        Assert.Equal(App.Success, (await _tool.RunAsync("download", Id)).Code);
        Assert.StartsWith($"{Id}  model, ", (await _tool.RunAsync("models", "--cached")).Output, StringComparison.Ordinal);
        Assert.Contains("unet/model.onnx", (await _tool.RunAsync("models", Id)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Describing_a_model_fetches_nothing()
    {
        AddModel();
        var answer = await _tool.RunAsync("models", Id);
        Assert.Equal((App.Failed, ""), (answer.Code, answer.Output));
        Assert.Contains($"'{Id}' is neither here nor in the hub's cache: 'controlnet download {Id}' fetches it.", answer.Error, StringComparison.Ordinal);
        Assert.Empty(_server.Requests);
    }

    [Fact]
    public async Task Offline_the_missing_is_named()
    {
        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", "1");
        var answer = await _tool.RunAsync("generate", "x", "--model", Id, "--output", "x.png");
        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains($"No model '{Id}' here, and on the hub: '{Id}' is not in the hub's cache", answer.Error, StringComparison.Ordinal);
        Assert.Empty(_server.Requests);
    }

    [Theory, InlineData("emoji"), InlineData("a/b/c"), InlineData("a/b@..")]
    public async Task What_is_no_id_is_misuse(string id)
    {
        var answer = await _tool.RunAsync("download", id);
        Assert.Equal(App.Misused, answer.Code);
        Assert.Contains("expected owner/name", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_and_a_name_together_are_misuse() => Assert.Equal(App.Misused, (await _tool.RunAsync("models", "emoji", "--cached")).Code);

    private void AddModel()
    {
        Assert.SkipUnless(Fixtures.Has("models", "sd1"), $"No models/sd1 in {Fixtures.Root}.");
        _server.AddFolder(Fixtures.Path("models", "sd1"));
    }
}
