using ControlNet.ML.Components;
using ControlNet.ML.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>Depth models in ML.NET: each row's depths come from a column of images or of image files.</summary>
public sealed class DepthColumnTests : IDisposable
{
    private static readonly GenerateComponentOptions Options =
        new() { Steps = 2, Guidance = 1, Width = 64, Height = 64, Scheduler = "ddim", ImageColumn = "Photo", DepthColumn = "Depth", Strength = 1 };

    private readonly MLContext _ml = new();
    private readonly DiffusionModel _model;

    public DepthColumnTests()
    {
        Assert.SkipUnless(Fixtures.Has("models", "sd2-depth"), $"No models in {Fixtures.Root}.");
        _model = DiffusionModel.Load(Fixtures.Path("models", "sd2-depth"), new LoadOptions { Device = "cpu" });
    }

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Files_keep_their_sixteen_bits()
    {
        // The upper bytes are all alike, so with 8 bits all depths would be.
        ushort[] depths = [.. Enumerable.Range(0, 256).Select(i => (ushort)(1024 + (i % 16)))];
        using var photo = Photo().ToMLImage();
        var data = _ml.Data.LoadFromEnumerable([new FileRow { Photo = photo, Depth = PngWriter.Deep(16, depths) }, new FileRow { Photo = photo, Depth = [1, 2, 3] }]);
        var view = Generate(Options).Fit(data).Transform(data);
        Cells.Equal([(0, Expected(new FloatMap(16, 16, [.. depths.Select(depth => (float)depth)])))], Cells.Read(_ml.Data.TakeRows(view, 1), "Image"), 1);
        Assert.Contains("The file in column 'Depth' is not an image", view.GetColumn<string>("Error").Last(), StringComparison.Ordinal);
    }

    [Fact]
    public void Images_count_by_their_grey()
    {
        var levels = new ImageBuffer(16, 16, 1, [.. Enumerable.Range(0, 256).Select(i => (byte)(i % 16 * 9))]);
        using var photo = Photo().ToMLImage();
        using var depth = levels.ToMLImage();
        var data = _ml.Data.LoadFromEnumerable([new ImageRow { Photo = photo, Depth = depth }]);
        Cells.Equal([(0, Expected(FloatMap.Of(levels)))], Cells.Read(Generate(Options).Fit(data).Transform(data), "Image"), 1);
    }

    [Fact]
    public void A_depth_model_needs_the_column_and_the_column_needs_images()
    {
        Assert.Contains("depth", Assert.Throws<ControlNetException>(() => Generate(Options with { DepthColumn = null })).Message, StringComparison.Ordinal);
        Assert.Contains("DepthColumn", Assert.Throws<ControlNetException>(() => Generate(Options with { ImageColumn = null, Strength = null })).Message, StringComparison.Ordinal);
    }

    private GenerateEstimator Generate(GenerateComponentOptions options) => _ml.Transforms.ControlNet().Generate("Image", "Prompt", _model, null, options);

    private float[] Expected(FloatMap depth) => Cells.Of(_model.Generate("", new GenerateOptions
    {
        Steps = 2,
        Guidance = 1,
        Width = 64,
        Height = 64,
        Scheduler = "ddim",
        Image = new ImageInput(Photo()) { Depth = depth, Strength = 1 },
    }).Image);

    private static ImageBuffer Photo() => new(64, 64, 3, [.. Enumerable.Range(0, 64 * 64 * 3).Select(i => (byte)(i * 37))]);

    private sealed class FileRow
    {
        public int Id { get; set; }

        public string Prompt { get; set; } = "";

        [ImageType(64, 64)]
        public MLImage? Photo { get; set; }

        public byte[] Depth { get; set; } = [];
    }

    private sealed class ImageRow
    {
        public int Id { get; set; }

        public string Prompt { get; set; } = "";

        [ImageType(64, 64)]
        public MLImage? Photo { get; set; }

        [ImageType(16, 16)]
        public MLImage? Depth { get; set; }
    }
}
