using ControlNet.ML.Components;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Onnx.Tests;

/// <summary>Learned conditions in ML.NET pipelines: the same component as for all others.</summary>
public sealed class LearnedComponentTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_chain_with_a_network_gives_its_maps_and_comes_back_from_its_file()
    {
        var ml = new MLContext();
        for (var i = 0; i < 3; i++)
            ImageCodec.SavePng(_folder.File($"{i}.png"), Photo(60 + (10 * i), 50));
        var rows = ml.Data.LoadFromEnumerable(new[] { "0.png", "none.png", "1.png", "2.png" }.Select(file => new Row { File = file }));
        var options = new LearnedDepthOptions { Model = Fixtures.Path("onnx-annotators", "graphs", "midas-v21-random.onnx") };
        var chain = ml.Transforms.LoadImages("Photo", _folder.Path, "File")
            .Append(ml.Transforms.ControlNet().Condition("Depth", "Photo", "depth_midas", options))
            .Append(ml.Transforms.ControlNet().Canny("Edges", "Depth"));
        using var model = chain.Fit(rows);
        var made = Read(ml, model.Transform(rows));
        Assert.Contains("Photo", made[1].Error, StringComparison.Ordinal);
        Assert.All(new[] { 0, 2, 3 }, i => Assert.Equal("", made[i].Error));
        var kind = ConditionCatalog.Find("depth_midas");
        var expected = kind.Apply(ImageCodec.Load(_folder.File("1.png")), options);
        Assert.Equal(Color.Rgb(expected).Samples, Color.Rgb(made[2].Depth!.ToImageBuffer()).Samples);

        var file = _folder.File("model.zip");
        ml.Model.Save(model, rows.Schema, file);
        var again = new MLContext();
        using var loaded = (IDisposable)again.Model.Load(file, out _);
        var back = Read(again, ((ITransformer)loaded).Transform(rows));
        Assert.Equal(made.Select(m => m.Depth is null ? [] : m.Depth.ToImageBuffer().Samples), back.Select(m => m.Depth is null ? [] : m.Depth.ToImageBuffer().Samples));
    }

    [Fact]
    public void A_saved_model_refuses_another_network_than_it_was_saved_with()
    {
        var ml = new MLContext();
        var graph = _folder.Write("midas.onnx", File.ReadAllBytes(Fixtures.Path("onnx-annotators", "graphs", "midas-v21-random.onnx")));
        var rows = ml.Data.LoadFromEnumerable(new[] { new Row { File = "0.png" } });
        var chain = ml.Transforms.LoadImages("Photo", _folder.Path, "File")
            .Append(ml.Transforms.ControlNet().Condition("Depth", "Photo", "depth_midas", new LearnedDepthOptions { Model = graph }));
        var file = _folder.File("model.zip");
        using (var model = chain.Fit(rows))
            ml.Model.Save(model, rows.Schema, file);
        ((IDisposable)new MLContext().Model.Load(file, out _)).Dispose();

        File.Copy(Fixtures.Path("onnx-annotators", "graphs", "midas-v21-planted.onnx"), graph, overwrite: true);
        var error = Assert.ThrowsAny<Exception>(() => new MLContext().Model.Load(file, out _));
        Assert.Contains($"{graph} is not the network that 'depth_midas' was saved with: its SHA-256 is ", error.ToString(), StringComparison.Ordinal);
        File.Delete(graph);
        Assert.Contains("no such file", Assert.ThrowsAny<Exception>(() => new MLContext().Model.Load(file, out _)).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_in_other_files_belong_to_a_network()
    {
        var graph = _folder.Write("tiny.onnx", Running.TinyGraph.WithExternalWeights());
        Assert.Throws<ControlNetException>(() => GraphFiles.Of(graph));
        var weights = _folder.Write("weights.bin", new byte[16]);
        Assert.Equal([graph, weights], GraphFiles.Of("", graph));
    }

    [Fact]
    public void Every_kind_of_network_says_where_its_files_come_from()
    {
        var sources = new LearnedConditions().Sources;
        Assert.Equal(new LearnedConditions().Kinds.Select(kind => kind.Name), sources.Select(source => source.Condition).Distinct());
        Assert.All(sources, source => Assert.NotEmpty(source.Models));
        Assert.Equal(["model", "detector"], sources.Where(source => source.Condition == "dwpose").Select(source => source.Option));
    }

    [Fact]
    public void A_network_that_is_missing_is_named_before_any_row_is_read()
    {
        var stages = new MLContext().Transforms.ControlNet();
        Assert.Contains("needs its network", Assert.Throws<ControlNetException>(() => stages.Condition("Depth", "Photo", "depth_midas")).Message);
        Assert.Contains("no such file", Assert.Throws<ControlNetException>(() => stages.Condition("Depth", "Photo", "depth_midas", new LearnedDepthOptions { Model = "none.onnx" })).Message);
    }

    private static List<Made> Read(MLContext ml, IDataView view) => [.. ml.Data.CreateEnumerable<Made>(view, reuseRowObject: false)];

    private static ImageBuffer Photo(int width, int height)
    {
        var image = new ImageBuffer(width, height, 3);
        for (var i = 0; i < image.Samples.Length; i++)
            image.Samples[i] = (byte)(i * 5 / 3);
        return image;
    }

    private sealed class Row
    {
        public string File { get; set; } = "";
    }

    private sealed class Made
    {
        [ImageType(1, 1)]
        public MLImage? Depth { get; set; }

        public string Error { get; set; } = "";
    }
}
