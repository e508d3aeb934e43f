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
