using ControlNet.ML.Components;
using ControlNet.ML.Weights;
using ControlNet.ML.Weights.Conversion;
using Microsoft.ML;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>Saved ML.NET models whose base model is a single file.</summary>
public sealed class SingleFileModelTests : IDisposable
{
    private readonly MLContext _ml = new();
    private readonly TemporaryFolder _folder = new();

    public SingleFileModelTests()
    {
        Assert.SkipUnless(Fixtures.Has("models", "sd1-control-a"), $"No models in {Fixtures.Root}.");
        WeightConverter.ToFile(ModelFolder.Open(Fixtures.Path("models", "sd1")), ModelFile, cancellationToken: TestContext.Current.CancellationToken);
    }

    private IDataView Data => _ml.Data.LoadFromEnumerable(ImageRows.Rows(0));

    private string ModelFile => _folder.File("model.safetensors");

    private string Zip => _folder.File("model.zip");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(WeightStorage.Reference)]
    [InlineData(WeightStorage.Inside)]
    public void A_saved_model_finds_its_file_again_and_refuses_another(WeightStorage storage)
    {
        var expected = Save(new LoadOptions { Device = "cpu" }, storage);
        if (storage == WeightStorage.Inside)
            File.Delete(ModelFile);
        var loaded = new MLContext().Model.Load(Zip, out _);
        Cells.Equal(expected, Cells.Read(loaded.Transform(Data), "Image"), 1);
        ((IDisposable)loaded).Dispose();
        if (storage == WeightStorage.Inside)
            return;

        var bytes = File.ReadAllBytes(ModelFile);
        bytes[^1] ^= 1;
        File.WriteAllBytes(ModelFile, bytes);
        Assert.Contains("has changed", Assert.ThrowsAny<Exception>(() => new MLContext().Model.Load(Zip, out _)).GetBaseException().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_reference_cannot_record_is_said()
    {
        var options = new LoadOptions { Device = "cpu", Vae = Fixtures.Path("models", "sd1") };
        Assert.Contains("convert it to a folder first", Assert.Throws<ControlNetException>(() => Save(options, WeightStorage.Reference)).Message, StringComparison.Ordinal);
    }

    private List<(int Id, float[] Values)> Save(LoadOptions options, WeightStorage storage)
    {
        using var model = DiffusionModel.Load(ModelFile, options);
        using var network = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), new LoadOptions { Device = "cpu" });
        var fitted = _ml.Transforms.ControlNet()
            .Generate("Image", "Prompt", model, [new ControlColumn("Edges", network)], ImageRows.Plain with { Weights = storage }).Fit(Data);
        _ml.Model.Save(fitted, Data.Schema, Zip);
        return Cells.Read(fitted.Transform(Data), "Image");
    }
}
