using System.Text.Json.Nodes;
using ControlNet.ML.Components;
using ControlNet.ML.Imaging;
using ControlNet.ML.Onnx;
using ControlNet.ML.Torch;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Cli.Tests;

/// <summary>Models of ONNX graphs with the tool.</summary>
public sealed class OnnxModelTests : IDisposable
{
    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public async Task A_folder_of_graphs_and_a_control_network_make_images()
    {
        Put();
        OnnxLayouts.Put("sd1-control-named", "", "model");
        string[] how = ["generate", "red apple", "--model", "model", "--steps", "1", "--size", "64", "--seed", "3", "--output"];
        Assert.Equal(0, (await _tool.RunAsync([.. how, "plain.png"])).Code);
        Assert.Equal(0, (await _tool.RunAsync([.. how, "same.png", "--backend", "onnx"])).Code);
        Assert.Equal(0, (await _tool.RunAsync([.. how, "guided.png", "--control", "model/canny:0.8", "--condition", Tool.Photo])).Code);
        Assert.Equal(File.ReadAllBytes("plain.png"), File.ReadAllBytes("same.png"));
        Assert.NotEqual(File.ReadAllBytes("plain.png"), File.ReadAllBytes("guided.png"));
    }

    [Fact]
    public async Task The_device_names_execution_providers_best_first()
    {
        Put();
        string[] how = ["generate", "red apple", "--model", "model", "--steps", "1", "--size", "64", "--device"];
        Assert.Equal(0, (await _tool.RunAsync([.. how, "coreml,cpu", "--output", "x.png"])).Code);
        var missing = await _tool.RunAsync([.. how, "directml:1", "--output", "y.png"]);
        Assert.Equal(1, missing.Code);
        Assert.Contains("use the package Microsoft.ML.OnnxRuntime.DirectML", missing.Error, StringComparison.Ordinal);
        Assert.False(File.Exists("y.png"));
    }

    [Fact]
    public async Task An_approximation_inside_the_networks_is_refused_before_any_work()
    {
        Put();
        string[] how = ["generate", "red apple", "--model", "model", "--steps", "2", "--size", "64", "--output", "x.png", "--approximate"];
        var refused = await _tool.RunAsync([.. how, "features=2"]);
        Assert.Equal(App.Misused, refused.Code);
        Assert.Contains("The approximation 'features=2' keeps results inside the networks", refused.Error, StringComparison.Ordinal);
        Assert.False(File.Exists("x.png"));
        Assert.Equal(0, (await _tool.RunAsync([.. how, "guidance=0.5"])).Code);
    }

    [Fact]
    public async Task Graphs_are_described()
    {
        Put();
        OnnxLayouts.Put("sd1-control-named", "", "model");
        var model = JsonNode.Parse((await _tool.RunAsync("models", "model", "--json")).Output)!;
        Assert.Equal("Stable Diffusion 1", (string)model["family"]!);
        Assert.Equal(
            ["text_encoder/model.onnx", "unet/model.onnx", "controlnet/model.onnx", "vae_decoder/model.onnx", "vae_encoder/model.onnx"],
            model["graphs"]!.AsArray().Select(graph => (string)graph!["name"]!));
        Assert.Equal("a UNet that takes residuals", (string)model["graphs"]![2]!["kind"]!);
        var control = JsonNode.Parse((await _tool.RunAsync("models", "model/canny", "--json")).Output)!;
        Assert.Equal(13, (int)control["residuals"]!);
        var decoder = await _tool.RunAsync("models", "model/vae_decoder/model.onnx");
        Assert.Contains("the decoder of a VAE", decoder.Output, StringComparison.Ordinal);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_saved_model_comes_back_with_the_runtime_that_it_had_though_its_folder_has_graphs_and_weights(bool graphs)
    {
        Put();
        var weights = Fixtures.Path("models", "sd1");
        foreach (var file in Directory.EnumerateFiles(weights, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine("model", Path.GetRelativePath(weights, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            if (!File.Exists(copy))
                File.Copy(file, copy);
        }

        var ml = new MLContext();
        var rows = ml.Data.LoadFromEnumerable([new Row { Prompt = "red apple" }]);
        float[] before;
        var options = new LoadOptions { Device = "cpu", Backend = graphs ? new OnnxBackendProvider() : new TorchBackendProvider() };
        using (var model = DiffusionModel.Load("model", options))
        using (var fitted = ml.Transforms.ControlNet().EncodeText("Text", "Prompt", model, new() { Weights = WeightStorage.Reference }).Fit(rows))
        {
            before = fitted.Transform(rows).GetColumn<VBuffer<float>>("Text").Single().DenseValues().ToArray();
            ml.Model.Save(fitted, rows.Schema, "saved.zip");
        }

        using var loaded = (IDisposable)new MLContext().Model.Load("saved.zip", out _);
        Assert.Equal(before, ((ITransformer)loaded).Transform(rows).GetColumn<VBuffer<float>>("Text").Single().DenseValues());
    }

    [Fact]
    public async Task A_runtime_that_cannot_load_the_model_is_one_message()
    {
        Put();
        var answer = await _tool.RunAsync("generate", "x", "--model", "model", "--backend", "torch", "--steps", "1", "--output", "x.png");
        Assert.NotEqual(0, answer.Code);
        Assert.Contains("is a model of ONNX graphs", answer.Error, StringComparison.Ordinal);
        Assert.False(File.Exists("x.png"));
    }

    [Fact]
    public async Task A_model_of_weights_makes_the_same_image_on_both_runtimes()
    {
        string[] how = ["generate", "red apple", "--model", "emoji", "--control", "emoji/canny", "--condition", Tool.Photo, "--steps", "2", "--seed", "3", "--output"];
        Assert.Equal(0, (await _tool.RunAsync([.. how, "torch.png"])).Code);
        Assert.Equal(0, (await _tool.RunAsync([.. how, "onnx.png", "--backend", "onnx"])).Code);
        var (a, b) = (ImageCodec.Load("torch.png"), ImageCodec.Load("onnx.png"));
        Assert.All(a.Samples.Zip(b.Samples), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
    }

    private static void Put() => OnnxLayouts.Put("sd1", "", "model");

    private sealed class Row
    {
        public string Prompt { get; set; } = "";
    }
}
