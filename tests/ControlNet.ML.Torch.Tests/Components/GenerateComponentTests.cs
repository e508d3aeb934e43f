using ControlNet.ML.Components;
using ControlNet.ML.Diffusion;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>Images made in ML.NET pipelines are those that the model makes one by one.</summary>
public sealed class GenerateComponentTests(ImageRows rows) : IClassFixture<ImageRows>
{
    private readonly MLContext _ml = new();

    private ControlNetTransforms Stages => _ml.Transforms.ControlNet();

    [Fact]
    public void A_prediction_engine_makes_the_same_images_and_leaves_the_model_to_the_program()
    {
        var model = Stages.Generate("Image", "Prompt", rows.Model, rows.OwnControl, ImageRows.Own).Fit(Data([0]));
        using (var engine = _ml.Model.CreatePredictionEngine<ImageRow, MadeRow>(model))
        {
            foreach (var id in new[] { 5, 3, 4 })
            {
                var made = engine.Predict(ImageRows.Row(id));
                Assert.Equal((id, ""), (made.Id, made.Error));
                Cells.Equal(Expected([id], true), [(id, Cells.Of(made.Image))], 1);
            }
        }

        Assert.Equal(64, rows.Model.Generate("x", new GenerateOptions { Steps = 1, Width = 64, Height = 64 }).Image.Width);
    }

    [Fact]
    public void Without_control_and_columns_it_is_the_model_alone()
    {
        var options = new GenerateComponentOptions { Steps = 2, Width = 64, Height = 72, Scheduler = "euler", Seed = 3, Guidance = 1, GuidanceRescale = 0.5, ClipSkip = 1 };
        var view = Stages.Generate("Image", "Prompt", rows.Model, null, options).Fit(Data([0])).Transform(Data([0, 1]));
        var expected = new[] { 0, 1 }.Select(id => (id, Cells.Of(rows.Model.Generate(
            ImageRows.Row(id).Prompt, new GenerateOptions { Steps = 2, Width = 64, Height = 72, Scheduler = "euler", Seed = 3, Guidance = 1, GuidanceRescale = 0.5, ClipSkip = 1 }).Image)));
        Cells.Equal(expected, Cells.Read(view, "Image"), 1);
        Assert.Equal(new ImageDataViewType(72, 64), view.Schema["Image"].Type);
        Assert.Equal(new ImageDataViewType(), Stages.Generate("Image", "Prompt", rows.Model, null, options with { WidthColumn = "Width" }).Fit(Data([0])).GetOutputSchema(view.Schema)["Image"].Type);
    }

    [Fact]
    public void Rows_may_begin_from_images_each_as_much_as_it_likes()
    {
        var (photo, mask) = (ImageRows.Row(2).Edges!, ImageRows.Row(3).Edges!);
        float[] strengths = [0.5f, 1, 0.5f, 0];
        var data = _ml.Data.LoadFromEnumerable(strengths.Select((strength, id) => new BegunRow { Id = id, Photo = photo, Mask = mask, Strength = strength }));
        var options = new GenerateComponentOptions { Steps = 4, Guidance = 1, Width = 64, Height = 64, Scheduler = "ddim", BatchSize = 4, ImageColumn = "Photo", MaskColumn = "Mask", StrengthColumn = "Strength" };

        var view = Stages.Generate("Image", "Prompt", rows.Model, null, options).Fit(data).Transform(data);

        var expected = strengths.Take(3).Select((strength, id) => (id, Cells.Of(rows.Model.Generate("fox", new GenerateOptions
        {
            Steps = 4,
            Guidance = 1,
            Width = 64,
            Height = 64,
            Scheduler = "ddim",
            Image = new ImageInput(photo.ToImageBuffer()) { Mask = mask.ToImageBuffer(), Strength = strength },
        }).Image)));
        Cells.Equal(expected, Cells.Read(_ml.Data.TakeRows(view, 3), "Image"), 1);
        Assert.Contains("leaves none", view.GetColumn<string>("Error").Last(), StringComparison.Ordinal);
        Assert.Throws<ControlNetException>(() => Stages.Generate("Image", "Prompt", rows.Model, null, options with { ImageColumn = null }));
        Assert.Throws<ControlNetException>(() => Stages.Generate("Image", "Prompt", rows.Model, null, options with { Strength = 2 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Stages.Generate("Image", "Prompt", rows.Model, null, options with { MaskColumn = "Nothing" }).Fit(data));
    }

    [Fact]
    public void A_column_says_how_each_image_was_made_as_its_PNG_file_would()
    {
        var all = ImageRows.Rows(0, 2, 3);
        all[1].Steps = 0;
        var data = _ml.Data.LoadFromEnumerable(all);
        var view = Stages.Generate("Image", "Prompt", rows.Model, rows.OwnControl, ImageRows.Own with { ProvenanceColumn = "How", BatchSize = 2 }).Fit(data).Transform(data);
        Assert.Equal(["Image", "How", "Error"], view.Schema.Select(column => column.Name).TakeLast(3));
        var said = view.GetColumn<string>("How").ToArray();
        Assert.Equal("", said[1]);
        foreach (var i in (int[])[0, 2])
        {
            var row = all[i];
            var expected = rows.Model.Generate(
                row.Prompt,
                [new ControlInput(rows.Canny, row.Edges!.ToImageBuffer()) { Unit = new ControlUnit { Scale = row.Scale, Start = row.Start, End = row.End, Weighting = ControlWeightingNames.Parse(row.Weighting.Length > 0 ? row.Weighting : "uniform") } }],
                new GenerateOptions { Steps = row.Steps, Guidance = row.Guidance, Seed = (ulong)row.Seed, Width = row.Width, Height = row.Height, NegativePrompt = row.Negative.Length > 0 ? row.Negative : null }).Provenance;
            var found = System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, string>>(said[i])!;
            Assert.Equal(expected.OrderBy(entry => entry.Key), found.OrderBy(entry => entry.Key));
        }

        var none = Stages.Generate("Image", "Prompt", rows.Model, null, ImageRows.Plain).Fit(data).Transform(data);
        Assert.Equal(["Image", "Error"], none.Schema.Select(column => column.Name).TakeLast(2));
        Assert.Throws<ArgumentException>(() => Stages.Generate("Image", "Prompt", rows.Model, null, ImageRows.Plain with { ProvenanceColumn = "Image" }));
        Assert.Throws<ArgumentException>(() => Stages.Generate("Image", "Prompt", rows.Model, null, ImageRows.Plain with { ProvenanceColumn = "Error" }));
        Assert.Throws<ControlNetException>(() => Stages.Generate("Image", "Prompt", rows.Model, null, ImageRows.Plain with { ProvenanceColumn = "" }));
    }

    [Fact]
    public void Two_controls_may_share_a_network_and_a_column()
    {
        ControlColumn[] controls = [new("Edges", rows.Canny) { Unit = new ControlUnit { Scale = 0.5 } }, new("Edges", rows.Canny) { ScaleColumn = "Scale" }];
        var view = Stages.Generate("Image", "Prompt", rows.Model, controls, ImageRows.Plain).Fit(Data([2])).Transform(Data([2]));
        var row = ImageRows.Row(2);
        var edges = row.Edges!.ToImageBuffer();
        var expected = rows.Model.Generate(
            row.Prompt,
            [new ControlInput(rows.Canny, edges) { Unit = new ControlUnit { Scale = 0.5 } }, new ControlInput(rows.Canny, edges) { Unit = new ControlUnit { Scale = row.Scale } }],
            new GenerateOptions { Steps = 2, Guidance = 4, Width = 64, Height = 64, Seed = (ulong)row.Seed, NegativePrompt = "fox" }).Image;
        Cells.Equal([(2, Cells.Of(expected))], Cells.Read(view, "Image"), 1);
    }

    [Fact]
    public void Seeds_may_be_of_any_numeric_type()
    {
        var seeds = new[] { new { Prompt = "fox", S = 3UL, F = 3f, B = (byte)3, D = 3.0 } };
        var data = _ml.Data.LoadFromEnumerable(seeds);
        var options = new GenerateComponentOptions { Steps = 1, Width = 64, Height = 64 };
        var images = new[] { "S", "F", "B", "D" }.Select(column => Read(options with { SeedColumn = column })).ToList();
        Assert.All(images, image => Assert.Equal(Read(options with { Seed = 3 }), image));
        Assert.NotEqual(Read(options), images[0]);

        float[] Read(GenerateComponentOptions each) =>
            Cells.Of(Stages.Generate("Image", "Prompt", rows.Model, null, each).Fit(data).Transform(data).GetColumn<MLImage>("Image").Single());
    }

    [Fact]
    public void Progress_and_the_log_say_what_happens()
    {
        List<long> done = [];
        List<string> warnings = [];
        _ml.Log += (_, message) =>
        {
            if (message.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning)
                warnings.Add(message.RawMessage);
        };
        var data = Data([0, 1, 2], row => row.Prompt = row.Id == 1 ? string.Join(' ', Enumerable.Repeat("tiger", 80)) : row.Prompt);
        var options = ImageRows.Plain with { BatchSize = 2, LongPrompts = LongPrompts.Truncate, Progress = new Recorder<long>(done) };
        Cells.Read(Stages.Generate("Image", "Prompt", rows.Model, rows.PlainControl, options).Fit(data).Transform(data), "Image");
        Assert.Equal([2, 3], done);
        Assert.StartsWith("Row 1, column 'Image': The prompt is longer than the 30 tokens", Assert.Single(warnings), StringComparison.Ordinal);
    }

    private List<(int, float[])> Expected(IEnumerable<int> ids, bool ownSettings) => [.. ids.Select(id => (id, Cells.Of(rows.Expected(id, ownSettings))))];

    private IDataView Data(int[] ids, Action<ImageRow>? change = null)
    {
        var all = ImageRows.Rows(ids);
        foreach (var row in all)
            change?.Invoke(row);
        return ListRows.Of(_ml, all);
    }

    private sealed class Recorder<T>(List<T> values) : IProgress<T>
    {
        public void Report(T value) => values.Add(value);
    }

    private sealed class BegunRow
    {
        public int Id { get; set; }

        public string Prompt { get; set; } = "fox";

        [ImageType(64, 64)]
        public MLImage? Photo { get; set; }

        [ImageType(64, 64)]
        public MLImage? Mask { get; set; }

        public float Strength { get; set; }
    }
}
