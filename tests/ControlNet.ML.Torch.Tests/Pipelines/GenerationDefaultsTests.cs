using System.Text;
using ControlNet.ML.Components;
using ControlNet.ML.Configuration;
using Microsoft.ML;

namespace ControlNet.ML.Torch.Tests.Pipelines;

/// <summary>A model's generation_config.json decides what the user leaves open, in one call and in a chain, saved with the model too.</summary>
public sealed class GenerationDefaultsTests : IDisposable
{
    private const string CacheVariable = "CONTROLNET_CACHE";
    private static readonly LoadOptions Cpu = new() { Device = "cpu" };
    private readonly TemporaryFolder _folder = new();
    private readonly MLContext _ml = new();

    public GenerationDefaultsTests() => Environment.SetEnvironmentVariable(CacheVariable, _folder.File("cache"));

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(CacheVariable, null);
        _folder.Dispose();
    }

    [Fact]
    public void Images_are_generated_as_the_model_recommends()
    {
        using var model = Model();
        var image = model.Generate("square");
        Assert.Equal(("3", "2", "euler", "96", "64"), (image.Provenance["steps"], image.Provenance["guidance"], image.Provenance["scheduler"], image.Provenance["width"], image.Provenance["height"]));
        var explicitly = model.Generate("square", new GenerateOptions { Steps = 3, Guidance = 2, Scheduler = "euler", Width = 96, Height = 64 });
        Assert.Equal(explicitly.Latents.Values, image.Latents.Values);
        Assert.Equal("1", model.Generate("square", new GenerateOptions { Steps = 1 }).Provenance["steps"]);
    }

    [Fact]
    public void A_saved_chain_keeps_the_recommendations_with_the_weights()
    {
        var data = _ml.Data.LoadFromEnumerable([new Row { Prompt = "square" }]);
        List<(int, float[])> expected;
        using (var model = Model())
        {
            expected = [(0, Cells.Of(model.Generate("square").Image))];
            var chain = _ml.Transforms.ControlNet().Generate("Image", "Prompt", model, [], new() { Weights = WeightStorage.Inside });
            _ml.Model.Save(chain.Fit(data), data.Schema, _folder.File("model.zip"));
        }

        Directory.Delete(_folder.File("model"), recursive: true);
        var loaded = _ml.Model.Load(_folder.File("model.zip"), out _);
        Cells.Equal(expected, Cells.Read(loaded.Transform(data), "Image"), 1);
        ((IDisposable)loaded).Dispose();
    }

    private DiffusionModel Model()
    {
        _folder.Copy(Fixtures.Path("models", "sd1"), "model");
        _folder.Write(
            Path.Combine("model", GenerationConfig.FileName),
            Encoding.UTF8.GetBytes("""{"num_inference_steps": 3, "guidance_scale": 2, "scheduler": "euler", "width": 96, "height": 64}"""));
        return DiffusionModel.Load(_folder.File("model"), Cpu);
    }

    private sealed class Row
    {
        public int Id { get; set; }

        public string Prompt { get; set; } = "";
    }
}
