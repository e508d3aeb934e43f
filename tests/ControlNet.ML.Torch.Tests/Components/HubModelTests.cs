using ControlNet.ML.Components;
using Microsoft.ML;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>Models of the hub: loaded, and named by saved models.</summary>
public sealed class HubModelTests : IDisposable
{
    private const string Id = HubServer.Repository;
    private static readonly string[] Variables = ["HF_ENDPOINT", "HF_HUB_CACHE", "HF_HUB_OFFLINE"];

    private readonly MLContext _ml = new();
    private readonly TemporaryFolder _folder = new();
    private readonly HubServer _server = new();
    private readonly Dictionary<string, string?> _before = Variables.ToDictionary(name => name, Environment.GetEnvironmentVariable);

    public HubModelTests()
    {
        Environment.SetEnvironmentVariable("HF_ENDPOINT", _server.Address.AbsoluteUri);
        Environment.SetEnvironmentVariable("HF_HUB_CACHE", _folder.File("hub"));
        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", null);
        Assert.SkipUnless(Fixtures.Has("models", "sd1-control-a"), $"No models in {Fixtures.Root}.");
        _server.AddFolder(Fixtures.Path("models", "sd1"));
        _server.AddFolder(Fixtures.Path("models", "sd1-control-a"), "canny/");
    }

    private IDataView Data => _ml.Data.LoadFromEnumerable(ImageRows.Rows(0));

    private string Zip => _folder.File("model.zip");

    public void Dispose()
    {
        foreach (var (name, value) in _before)
            Environment.SetEnvironmentVariable(name, value);
        _server.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Progress_covers_the_download_and_the_loading()
    {
        Assert.Equal(1, Load()[^1]);
        var first = _server.Requests.Count;
        Assert.Equal(1, Load()[^1]);
        Assert.Equal(first, _server.Requests.Count);

        static List<double> Load()
        {
            List<double> reports = [];
            using var model = DiffusionModel.Load(Id, new LoadOptions { Device = "cpu", Progress = new Reports(reports.Add) });
            Assert.Equal(Id, model.Name);
            Assert.Equal(reports.Order(), reports);
            Assert.All(reports, report => Assert.InRange(report, 0, 1));
            return reports;
        }
    }

    [Fact]
    public void A_saved_model_names_the_commit_and_opening_it_fetches_nothing()
    {
        var expected = Save();
        var requests = _server.Requests.Count;

        // The branch moves on: the saved model means the files that it was saved with.
        _server.CommitNow = new string('b', 40);
        var loaded = new MLContext().Model.Load(Zip, out _);
        Cells.Equal(expected, Cells.Read(loaded.Transform(Data), "Image"), 1);
        ((IDisposable)loaded).Dispose();
        Assert.Equal(requests, _server.Requests.Count);

        Directory.Delete(_folder.File("hub"), recursive: true);
        var message = Assert.ThrowsAny<Exception>(() => new MLContext().Model.Load(Zip, out _)).GetBaseException().Message;
        Assert.Contains($"{Id}@{HubServer.Commit}: is not in the hub's cache; 'controlnet download' fetches it", message, StringComparison.Ordinal);
        Assert.Equal(requests, _server.Requests.Count);
    }

    [Fact]
    public void An_image_records_the_commits()
    {
        using var model = DiffusionModel.Load(Id, new LoadOptions { Device = "cpu" });
        using var network = ControlNetwork.Load($"{Id}:canny", new LoadOptions { Device = "cpu" });
        var condition = new ControlNet.ML.Imaging.ImageBuffer(64, 64, 3);
        var image = model.Generate("fox", [new ControlInput(network, condition)], new GenerateOptions { Steps = 1, Width = 64, Height = 64 });
        Assert.Equal($"{Id}@{HubServer.Commit}", image.Provenance["model"]);
        Assert.Contains($"{Id}@{HubServer.Commit}:canny", image.Provenance.Values);
    }

    [Fact]
    public void LoRAs_and_textual_inversions_of_the_hub_are_as_those_of_files()
    {
        AddAdapters();
        using var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), new LoadOptions { Device = "cpu" });
        var options = new GenerateOptions { Steps = 2, Width = 64, Height = 64, Loras = [new(Fixtures.Path("adapters", "lora-a-peft.safetensors"), 0.8)] };
        model.LoadEmbedding(Fixtures.Path("adapters", "ti-diffusers.safetensors"), "<new>");
        var expected = model.Generate("a <new> fox", options, TestContext.Current.CancellationToken);

        using var other = DiffusionModel.Load(Fixtures.Path("models", "sd1"), new LoadOptions { Device = "cpu" });
        other.LoadEmbedding($"{Id}:words/learned_embeds.safetensors", "<new>");
        var named = other.Generate("a <new> fox", options with { Loras = [new($"{Id}:style", 0.8)] }, TestContext.Current.CancellationToken);
        Assert.Equal(expected.Pixels.Values, named.Pixels.Values);
        Assert.Equal($"{Id}@{HubServer.Commit}:style", named.Provenance["lora_1"]);

        Assert.Equal($"{Id}:style", other.LoadLora($"{Id}:style").Name);
        var message = Assert.Throws<ControlNetException>(() => other.LoadLora("no/where")).Message;
        Assert.Contains("No LoRA 'no/where' here, and on the hub", message, StringComparison.Ordinal);
        Assert.Contains("loras/style.safetensors", Assert.Throws<ControlNetException>(() => other.LoadLora("loras/style.safetensors")).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_server.Requests, request => request.Contains("/loras/", StringComparison.Ordinal));
    }

    [Fact]
    public void A_saved_model_names_the_commits_of_its_LoRAs()
    {
        AddAdapters();
        var options = ImageRows.Plain with { Loras = [new($"{Id}:style", 0.8)] };
        List<(int Id, float[] Values)> expected;
        using (var model = DiffusionModel.Load(Fixtures.Path("models", "sd1"), new LoadOptions { Device = "cpu" }))
        {
            var fitted = _ml.Transforms.ControlNet().Generate("Image", "Prompt", model, null, options).Fit(Data);
            _ml.Model.Save(fitted, Data.Schema, Zip);
            expected = Cells.Read(fitted.Transform(Data), "Image");
        }

        var requests = _server.Requests.Count;
        _server.CommitNow = new string('b', 40);
        var loaded = new MLContext().Model.Load(Zip, out _);
        Cells.Equal(expected, Cells.Read(loaded.Transform(Data), "Image"), 1);
        ((IDisposable)loaded).Dispose();
        Assert.Equal(requests, _server.Requests.Count);
    }

    /// <summary>A folder with a LoRA by diffusers' name beside another one, and a folder with a textual inversion.</summary>
    private void AddAdapters()
    {
        _server.Add("style/pytorch_lora_weights.safetensors", File.ReadAllBytes(Fixtures.Path("adapters", "lora-a-peft.safetensors")));
        _server.Add("style/other.safetensors", File.ReadAllBytes(Fixtures.Path("adapters", "lora-b-kohya.safetensors")));
        _server.Add("words/learned_embeds.safetensors", File.ReadAllBytes(Fixtures.Path("adapters", "ti-diffusers.safetensors")));
    }

    private List<(int Id, float[] Values)> Save()
    {
        using var model = DiffusionModel.Load(Id, new LoadOptions { Device = "cpu" });
        using var network = ControlNetwork.Load($"{Id}:canny", new LoadOptions { Device = "cpu" });
        var fitted = _ml.Transforms.ControlNet().Generate("Image", "Prompt", model, [new ControlColumn("Edges", network)], ImageRows.Plain).Fit(Data);
        _ml.Model.Save(fitted, Data.Schema, Zip);
        return Cells.Read(fitted.Transform(Data), "Image");
    }

    private sealed class Reports(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
