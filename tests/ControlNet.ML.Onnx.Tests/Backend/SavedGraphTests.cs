using ControlNet.ML.Components;
using ControlNet.ML.Imaging;
using Microsoft.ML;

namespace ControlNet.ML.Onnx.Tests.Backend;

/// <summary>ML.NET pipelines whose networks are graphs, saved with them inside or by reference.</summary>
public sealed class SavedGraphTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData(WeightStorage.Inside), InlineData(WeightStorage.Reference)]
    public void Conditions_and_texts_come_back_as_they_were(WeightStorage storage)
    {
        var place = OnnxLayouts.Put("sd1", "", _folder.File("model"));
        OnnxLayouts.Put("sd1-control-named", "canny", place);
        ImageCodec.SavePng(_folder.File("0.png"), Condition());
        var ml = new MLContext();
        var rows = ml.Data.LoadFromEnumerable([new Row { File = "0.png", Prompt = "red apple" }]);
        Made made;
        var zip = _folder.File("saved.zip");
        var parts = new LoadOptions { Parts = ModelParts.TextEncoder };
        using (var model = DiffusionModel.Load(place, parts))
        using (var canny = ControlNetwork.Load(Path.Combine(place, "canny"), new LoadOptions { ConditionEncoderOnly = true }))
        {
            var stages = ml.Transforms.ControlNet();
            var chain = ml.Transforms.LoadImages("Condition", _folder.Path, "File")
                .Append(stages.EncodeCondition("Hint", "Condition", canny, 64, 64, new() { Weights = storage }))
                .Append(stages.EncodeText("Text", "Prompt", model, new() { Weights = storage }));
            var fitted = chain.Fit(rows);
            made = Read(ml, fitted.Transform(rows));
            ml.Model.Save(fitted, rows.Schema, zip);
            ((IDisposable)fitted).Dispose();
        }

        if (storage == WeightStorage.Inside)
            Directory.Delete(place, recursive: true);
        var again = new MLContext();
        using var loaded = (IDisposable)again.Model.Load(zip, out _);
        var back = Read(again, ((ITransformer)loaded).Transform(rows));
        Assert.Equal("", made.Error);
        Assert.Equal(3 * 64 * 64, made.Hint.Length);
        Assert.Equal(made.Hint, back.Hint);
        Assert.Equal(made.Text, back.Text);
    }

    [Fact]
    public void Graphs_that_came_beside_the_weights_later_are_not_run()
    {
        var place = _folder.Copy(Fixtures.Path("models", "sd1"), "model");
        var ml = new MLContext();
        var rows = ml.Data.LoadFromEnumerable([new Row { Prompt = "red apple" }]);
        using (var model = DiffusionModel.Load(place, new LoadOptions { Parts = ModelParts.TextEncoder }))
        using (var fitted = ml.Transforms.ControlNet().EncodeText("Text", "Prompt", model, new() { Weights = WeightStorage.Reference }).Fit(rows))
            ml.Model.Save(fitted, rows.Schema, _folder.File("saved.zip"));
        var graphs = OnnxLayouts.Put("sd1", "", _folder.File("graphs"));
        foreach (var file in Directory.EnumerateFiles(graphs, "*.onnx*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(place, Path.GetRelativePath(graphs, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        var message = Assert.ThrowsAny<Exception>(() => new MLContext().Model.Load(_folder.File("saved.zip"), out _)).GetBaseException().Message;
        Assert.Contains("has ONNX graphs beside the weights that the model was saved with", message, StringComparison.Ordinal);
    }

    private static ImageBuffer Condition()
    {
        var image = new ImageBuffer(64, 64, 3);
        image.Samples.AsSpan(0, 5000).Fill(200);
        return image;
    }

    private static Made Read(MLContext ml, IDataView view) =>
        ml.Data.CreateEnumerable<Made>(view, reuseRowObject: false, ignoreMissingColumns: true).Single();

    private sealed class Row
    {
        public string File { get; set; } = "";

        public string Prompt { get; set; } = "";
    }

    private sealed class Made
    {
        public float[] Hint { get; set; } = [];

        public float[] Text { get; set; } = [];

        public string Error { get; set; } = "";
    }
}
