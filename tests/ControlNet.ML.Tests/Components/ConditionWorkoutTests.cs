using ControlNet.ML.Components;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Tests.Components;

public sealed class ConditionWorkoutTests
{
    private readonly MLContext _ml = new(seed: 1);

    private ControlNetTransforms Stages => _ml.Transforms.ControlNet();

    public static TheoryData<string> Kinds() => [.. ConditionCatalog.All.Select(kind => kind.Name)];

    [Theory, MemberData(nameof(Kinds))]
    public void Every_condition_is_a_whole_component(string name)
    {
        var kind = ConditionCatalog.Find(name);
        Run(progress => Stages.Condition("Condition", "Photo", name, null, new() { Progress = progress }), id => kind.Apply(Flat(id)));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Every_condition_can_be_made_at_the_size_of_the_image(string name)
    {
        var kind = ConditionCatalog.Find(name);
        var geometry = Geometry.ForImage(Photos.Width, Photos.Height, 16, 24, FitMode.Fill);
        Run(
            progress => Stages.Condition("Condition", "Photo", name, null, new() { Width = 16, Height = 24, Fit = FitMode.Fill, BatchSize = 3, Progress = progress }),
            id => kind.Apply(ImageFit.Apply(Flat(id), geometry)));
    }

    [Fact]
    public void Another_process_loads_them_all()
    {
        using var folder = new TemporaryFolder();
        string[] files = ["0.png", "1.png", "2.png"];
        for (var id = 0; id < files.Length; id++)
            ImageCodec.Save(folder.File(files[id]), Color.Hwc3(Photos.Buffer(id)));
        File.WriteAllLines(folder.File("files.txt"), files);
        var empty = _ml.Transforms.LoadImages("Photo", folder.Path, "File").Fit(_ml.Data.LoadFromEnumerable(Array.Empty<FileRow>()))
            .Transform(_ml.Data.LoadFromEnumerable(Array.Empty<FileRow>()));
        foreach (var kind in ConditionCatalog.All)
            _ml.Model.Save(_ml.Transforms.ControlNet().Condition("Condition", "Photo", kind.Name).Fit(empty), empty.Schema, folder.File(kind.Name + ".zip"));

        var results = LoadProcess.Run(folder.Path);

        Assert.Equal(ConditionCatalog.All.Count, results.Count);
        Assert.All(ConditionCatalog.All, kind => Assert.Equal(
            files.Select((_, id) => Pixels.Text(kind.Apply(Color.Hwc3(Photos.Buffer(id))))), results[kind.Name]));
    }

    [Fact]
    public void Options_are_kept_by_a_saved_model()
    {
        var canny = new CannyOptions { Low = 20, High = 60.5, L2Gradient = true, Aperture = 5 };
        Run(progress => Stages.Canny("Condition", "Photo", canny, new() { Progress = progress }), id => Canny.Apply(Flat(id), canny));
    }

    [Fact]
    public void A_column_may_be_replaced_and_stages_chained()
    {
        var stages = _ml.Transforms.ControlNet();
        var data = _ml.Data.LoadFromEnumerable(Photos.Rows(5));
        var chain = stages.Blur("Photo").Append(stages.Canny("Photo")).Append(stages.Invert("Condition", "Photo", new() { BatchSize = 2 }));
        var model = chain.Fit(data);
        var expected = Enumerable.Range(0, 5).Select(id => (id, Pixels.Text(Color.Invert(Color.Hwc3(Canny.Apply(Blur.Apply(Flat(id))))))));

        Assert.Equal(expected, ConditionRows.Read(model.Transform(data)));
        Assert.True(model.Transform(data).Schema.Where(c => c.Name == "Photo").SkipLast(1).All(c => c.IsHidden));
        using var engine = _ml.Model.CreatePredictionEngine<PhotoRow, ConditionRow>(model);
        Assert.Equal(expected, Enumerable.Range(0, 5).Select(id => (id, Pixels.Text(engine.Predict(Photos.Row(id)).Condition))));
    }

    [Fact]
    public void Each_shorthand_is_the_kind_of_its_name()
    {
        var data = _ml.Data.LoadFromEnumerable(Photos.Rows(1));
        foreach (var method in typeof(ControlNetTransforms).GetMethods().Where(m => m.ReturnType == typeof(ConditionEstimator) && m.Name != "Condition"))
        {
            var kind = ConditionCatalog.All.Single(kind => kind.Name.Replace("_", "", StringComparison.Ordinal).Equals(method.Name, StringComparison.OrdinalIgnoreCase));
            object?[] arguments = ["Condition", "Photo", .. new object?[method.GetParameters().Length - 2]];
            var estimator = (ConditionEstimator)method.Invoke(_ml.Transforms.ControlNet(), arguments)!;
            Assert.Equal([(0, Pixels.Text(kind.Apply(Flat(0))))], ConditionRows.Read(estimator.Fit(data).Transform(data)));
        }
    }

    [Fact]
    public void The_size_of_the_column_is_known_where_the_options_or_the_input_say_it()
    {
        var data = _ml.Data.LoadFromEnumerable(Photos.Rows(1));
        var stages = _ml.Transforms.ControlNet();
        var unknown = _ml.Transforms.LoadImages("Photo", null, "File").Fit(Files()).Transform(Files());
        var sized = new ConditionComponentOptions { Width = 16, Height = 24 };

        Assert.Equal(new ImageDataViewType(Photos.Height, Photos.Width), TypeOf(stages.Canny("Condition", "Photo"), data));
        Assert.Equal(new ImageDataViewType(24, 16), TypeOf(stages.Canny("Condition", "Photo", null, sized), data));
        Assert.Equal(new ImageDataViewType(), TypeOf(stages.Canny("Condition", "Photo"), unknown));
        Assert.Equal(new ImageDataViewType(24, 16), TypeOf(stages.Canny("Condition", "Photo", null, sized), unknown));

        IDataView Files() => _ml.Data.LoadFromEnumerable(Array.Empty<FileRow>());
        static DataViewType TypeOf(ConditionEstimator estimator, IDataView data) => estimator.Fit(data).GetOutputSchema(data.Schema)["Condition"].Type;
    }

    [Fact]
    public void Files_are_a_whole_components_input_and_keep_their_sixteen_bits()
    {
        PngRow[] rows = [.. Enumerable.Range(0, 5).Select(id => new PngRow { Id = id, Photo = PngWriter.Deep(30, Depths(id)) })];
        new ComponentWorkout<PngRow>(_ml, progress => Stages.Condition("Condition", "Photo", "depth_map", null, new() { Progress = progress }), rows, "Condition")
        {
            Expected = [.. rows.Select(row => (row.Id, Levels(Depth.Apply(new FloatMap(30, 4, [.. Depths(row.Id).Select(value => (float)value)])))))],
        }.Run();

        static ushort[] Depths(int id) => [.. Enumerable.Range(0, 120).Select(i => (ushort)(1000 + (id * 7) + (3 * i)))];
    }

    [Fact]
    public void Files_come_from_ML_NETs_own_loader_and_what_is_no_image_fails_its_row()
    {
        using var folder = new TemporaryFolder();
        folder.Write("deep.png", PngWriter.Deep(2, [1000, 1001, 1002, 1003]));
        folder.Write("text.png", "no image"u8.ToArray());
        var data = _ml.Data.LoadFromEnumerable(new[] { new NamedRow { File = "deep.png" }, new NamedRow { File = "text.png" } });
        var view = _ml.Transforms.LoadRawImageBytes("Photo", folder.Path, "File").Append(Stages.Condition("Condition", "Photo", "depth_map")).Fit(data).Transform(data);
        Assert.Equal(new ImageDataViewType(), view.Schema["Condition"].Type);
        using var first = view.GetColumn<MLImage>("Condition").First();
        Assert.Equal([0, 85, 170, 255], Color.Grey(first.ToImageBuffer()).Samples);
        Assert.Contains("The file in column 'Photo' is not an image", view.GetColumn<string>("Error").Last(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_condition_feeds_a_chain_that_extracts_its_pixels()
    {
        var data = _ml.Data.LoadFromEnumerable(Photos.Rows(3));
        var chain = _ml.Transforms.ControlNet().Canny("Condition", "Photo", null, new() { Width = 16, Height = 8 }).Append(_ml.Transforms.ExtractPixels("Values", "Condition"));
        var values = chain.Fit(data).Transform(data).GetColumn<float[]>("Values").ToArray();
        var expected = Canny.Apply(ImageFit.Apply(Flat(2), Geometry.ForImage(Photos.Width, Photos.Height, 16, 8, FitMode.Crop)));
        Assert.Equal(expected.Samples.Select(s => (float)s), values[2][..128]);
    }

    private static ImageBuffer Flat(int id) => Color.Hwc3(Photos.AsRead(id));

    private void Run(Func<IProgress<long>, ConditionEstimator> make, Func<int, ImageBuffer> expected)
    {
        var rows = Photos.Rows(5);
        new ComponentWorkout<PhotoRow>(_ml, make, rows, "Condition") { Expected = [.. rows.Select(row => (row.Id, Levels(expected(row.Id))))] }.Run();
    }

    private static float[] Levels(ImageBuffer image)
    {
        using var mlImage = image.ToMLImage();
        return Cells.Of(mlImage);
    }

    private sealed class PngRow
    {
        public int Id { get; set; }

        public byte[] Photo { get; set; } = [];
    }

    private sealed class NamedRow
    {
        public string File { get; set; } = "";
    }
}
