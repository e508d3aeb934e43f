using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Hub;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Onnx.Tests.Hub;

/// <summary>Models and control networks of ONNX graphs by their ids of the hub, from a hub on this computer.</summary>
public sealed class HubGraphTests : IDisposable
{
    private const string Id = HubServer.Repository;
    private readonly HubServer _server = new();
    private readonly TemporaryFolder _folder = new();

    private LoadOptions Load => new() { Hub = new() { Endpoint = _server.Address, CacheFolder = _folder.File("hub"), Timeout = TimeSpan.FromSeconds(20) } };

    public void Dispose()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_model_is_fetched_with_the_external_weights_that_its_graphs_name_and_runs()
    {
        var local = Add("sd1");
        Add("sd1-control-named");
        foreach (var other in new[] { "README.md", "unet/model_fp16.onnx", "unet/model_fp16.onnx_data", "safety_checker/model.onnx", "onnx/model.onnx" })
            _server.Add(other, new byte[2000]);
        List<double> shares = [];
        using var model = DiffusionModel.Load(Id, Load with { Progress = new Collected(shares) }, Cancel);
        Assert.Equal(["controlnet/model.onnx", "controlnet/model.onnx.data", .. Names(local)], Names(model.Folder.Path));
        Assert.Equal(shares.Order(), shares);

        using var canny = ControlNetwork.Load($"{Id}:canny", Load, Cancel);
        Assert.Equal(["model.onnx", "model.onnx.data"], Names(ModelNames.FindControl($"{Id}:canny", Load, Cancel)));
        var image = model.Generate("red apple", [], new GenerateOptions { Steps = 1, Width = 64, Height = 64 }, Cancel).Image;
        Assert.Equal("64x64x3", image.ToString());

        // All of it is in the cache, and files that are missing there are fetched again.
        var before = _server.Requests.Count;
        Assert.Equal(model.Folder.Path, ModelNames.FindModel(Id, Load, Cancel));
        Assert.Equal(before, _server.Requests.Count);
        File.Delete(Path.Combine(model.Folder.Path, "unet", "model.onnx_data"));
        Assert.Null(ModelHub.FindCached(Id, Load));
        ModelNames.FindModel(Id, Load, Cancel);
        Assert.NotNull(ModelHub.FindCached(Id, Load));
    }

    [Fact]
    public void Of_weights_and_graphs_the_runtime_takes_one()
    {
        Add("sd1");
        _server.AddFolder(Fixtures.Path("models", "sd1"));
        var weights = Names(ModelNames.FindModel(Id, Load with { Backend = new RuntimeOfWeights() }, Cancel));
        Assert.DoesNotContain(weights, name => name.Contains(".onnx", StringComparison.Ordinal));
        Assert.Contains("unet/diffusion_pytorch_model.safetensors", weights);

        // What is in the cache for one runtime is not what the other one asks for.
        var graphs = Names(ModelNames.FindModel(Id, Load, Cancel)).Except(weights).ToList();
        Assert.Contains("unet/model.onnx_data", graphs);
        Assert.DoesNotContain(graphs, name => name.EndsWith(".safetensors", StringComparison.Ordinal));
    }

    [Fact]
    public void A_control_network_with_both_is_fetched_for_the_runtime()
    {
        AddControl();
        _server.AddFolder(Fixtures.Path("models", "sd1-control-a"));
        var folder = ModelNames.FindControl(Id, Load, Cancel);
        Assert.Equal(["condition_encoder.onnx", "config.json", "model.onnx"], Names(folder));
        ModelNames.FindControl(Id, Load with { Backend = new RuntimeOfWeights() }, Cancel);
        Assert.Equal(["condition_encoder.onnx", "config.json", "diffusion_pytorch_model.safetensors", "model.onnx"], Names(folder));
    }

    [Fact]
    public void Without_graphs_the_weights_are_fetched_and_that_there_are_none_is_remembered()
    {
        _server.AddFolder(Fixtures.Path("models", "sd1-control-a"));
        Assert.Equal(["config.json", "diffusion_pytorch_model.safetensors"], Names(ModelNames.FindControl(Id, Load, Cancel)));
        var before = _server.Requests.Count;
        ModelNames.FindControl(Id, Load, Cancel);
        Assert.Equal(before, _server.Requests.Count);
    }

    [Fact]
    public void A_network_can_be_named_by_its_graph_and_a_misspelt_one_is_answered()
    {
        AddControl("nets/");
        using var network = ControlNetwork.Load($"{Id}:nets/model.onnx", Load, Cancel);
        Assert.Equal(ControlNetConfig.Parse(File.ReadAllBytes(Fixtures.Path("models", "sd1-control-a", "config.json")), "").BlockOutChannels, network.Config.BlockOutChannels);
        Assert.Equal(["condition_encoder.onnx", "config.json", "model.onnx"], Names(Path.GetDirectoryName(ModelNames.FindControl($"{Id}:nets/model.onnx", Load, Cancel))!));
        Assert.Contains("has no file 'nets/modell.onnx'. Did you mean 'nets/model.onnx'?", Failure($"{Id}:nets/modell.onnx"), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_a_variant_the_parts_that_have_it_are_fetched()
    {
        Add("sd1");
        _server.Add("vae_decoder/model_fp16.onnx", File.ReadAllBytes(Fixtures.Path("onnx", "sd1", "vae_decoder", "model.onnx")));
        var fetched = Names(ModelNames.FindModel(Id, Load with { Variant = "fp16" }, Cancel));
        Assert.Contains("vae_decoder/model_fp16.onnx", fetched);
        Assert.DoesNotContain("vae_decoder/model.onnx", fetched);
        Assert.Contains("unet/model.onnx_data", fetched);
        Assert.Contains(
            "No part has graphs of the variant 'q4'; there are plain files",
            Assert.Throws<ControlNetException>(() => ModelNames.FindModel(Id, Load with { Variant = "q4" }, Cancel)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_missing_is_named_before_the_weights_are_fetched()
    {
        Add("sd1");
        _server.Remove("unet/model.onnx_data");
        Assert.Contains("is incomplete: 'unet/model.onnx' has weights in 'unet/model.onnx_data', which is missing", Failure(Id), StringComparison.Ordinal);
        _server.Remove("unet/model.onnx");
        Assert.Contains("is incomplete: 'unet/model.onnx'", Failure(Id), StringComparison.Ordinal);
        Assert.DoesNotContain(_server.Requests, request => request.StartsWith("storage GET", StringComparison.Ordinal) && request.Contains("_data", StringComparison.Ordinal));
    }

    [Fact]
    public void A_runtime_of_weights_is_refused_before_graphs_are_fetched()
    {
        Add("sd1");
        var options = Load with { Backend = new RuntimeOfWeights() };
        Assert.Contains("consists of ONNX graphs", Assert.Throws<ControlNetException>(() => ModelNames.FindModel(Id, options, Cancel)).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_server.Requests, request => request.StartsWith("storage", StringComparison.Ordinal));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Failure(string id) => Assert.Throws<ControlNetException>(() => ModelNames.FindModel(id, Load, Cancel)).Message;

    private string Add(string layout)
    {
        var local = OnnxLayouts.Put(layout, "", _folder.File(layout));
        _server.AddFolder(local);
        return local;
    }

    private void AddControl(string prefix = "")
    {
        var folder = _folder.File("exported");
        OnnxExporter.ExportControl(Fixtures.Path("models", "sd1-control-a"), folder, cancellationToken: Cancel);
        _server.AddFolder(folder, prefix);
    }

    private static string[] Names(string folder) => [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/')).Order(StringComparer.Ordinal)];

    private sealed class Collected(List<double> shares) : IProgress<double>
    {
        public void Report(double value) => shares.Add(value);
    }

    private sealed class RuntimeOfWeights : IBackendProvider
    {
        public IDiffusionBackend Open(ModelFolder folder, LoadOptions options, CancellationToken cancellationToken) => throw new InvalidOperationException();

        public IControlBackend OpenControl(ControlNetConfig config, WeightSource weights, LoadOptions options, CancellationToken cancellationToken) =>
            throw new InvalidOperationException();
    }
}
