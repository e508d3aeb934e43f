using ControlNet.ML.Components;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using Microsoft.ML;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>The whole configuration of a scheduler, SDXL's sizes and approximations, whole and in stages, before and after saving.</summary>
public sealed class StageSettingsTests : IDisposable
{
    private readonly MLContext _ml = new();
    private readonly TemporaryFolder _folder = new();
    private readonly DiffusionModel _model = DiffusionModel.Load(Fixtures.Path("models", "sdxl"), new LoadOptions { Device = "cpu" });

    private ControlNetTransforms Stages => _ml.Transforms.ControlNet();

    private IDataView Data => _ml.Data.LoadFromEnumerable(ImageRows.Rows(0, 1));

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void They_make_the_images_that_generate_makes_with_them()
    {
        var scheduler = SchedulerCatalog.Configure(_model.Scheduler, "ddim") with { TimestepSpacing = "trailing", SetAlphaToOne = true };
        var sizes = new SizeConditioning(512, 256, 8, 16, 128, 64);
        var approximation = new Approximation { FeatureInterval = 2, GuidanceEnd = 0.7 };
        var options = new GenerateComponentOptions { Steps = 3, Guidance = 4, Width = 64, Height = 64, SeedColumn = "Seed", SchedulerConfig = scheduler, Sizes = sizes, Approximation = approximation };
        var exact = new GenerateOptions { Steps = 3, Guidance = 4, Width = 64, Height = 64, SchedulerConfig = scheduler, Sizes = sizes };
        var expected = Expected(exact with { Approximation = approximation });
        Assert.NotEqual(expected[0].Values, Expected(exact)[0].Values);
        Assert.NotEqual(expected[0].Values, Expected(exact with { SchedulerConfig = null, Scheduler = "ddim", Approximation = approximation })[0].Values);
        Assert.NotEqual(expected[0].Values, Expected(exact with { Sizes = null, Approximation = approximation })[0].Values);

        var whole = Stages.Generate("Image", "Prompt", _model, null, options).Fit(Data);
        var stages = Stages.EncodeText("Text", "Prompt", _model)
            .Append(Stages.Denoise("Latents", "Text", _model, null, new() { Steps = 3, Guidance = 4, Width = 64, Height = 64, SeedColumn = "Seed", SchedulerConfig = scheduler, Sizes = sizes, Approximation = approximation }))
            .Append(Stages.DecodeImage("Image", "Latents", _model)).Fit(Data);
        foreach (var transformer in (ITransformer[])[whole, stages])
        {
            Cells.Equal(expected, Cells.Read(transformer.Transform(Data), "Image"), 1);
            _ml.Model.Save(transformer, Data.Schema, _folder.File("model.zip"));
            var loaded = _ml.Model.Load(_folder.File("model.zip"), out _);
            Cells.Equal(expected, Cells.Read(loaded.Transform(Data), "Image"), 1);
            (loaded as IDisposable)?.Dispose();
        }
    }

    private List<(int Id, float[] Values)> Expected(GenerateOptions options) =>
        [.. ImageRows.Rows(0, 1).Select(row => (row.Id, Cells.Of(_model.Generate(row.Prompt, options with { Seed = (ulong)row.Seed }).Image)))];
}
