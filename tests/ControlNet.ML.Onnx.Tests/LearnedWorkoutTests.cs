using ControlNet.ML.Components;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Onnx.Tests;

/// <summary>Learned conditions are whole components, each with the smallest network that there is for it.</summary>
public sealed class LearnedWorkoutTests
{
    private const int Width = 40;
    private const int Height = 32;

    private readonly MLContext _ml = new();

    public static TheoryData<string> Kinds() => [.. new LearnedConditions().Kinds.Select(kind => kind.Name)];

    [Theory, MemberData(nameof(Kinds))]
    public void Every_learned_condition_is_a_whole_component(string name)
    {
        var kind = ConditionCatalog.Find(name);
        var options = kind.ParseOptions(LearnedConditionTests.SettingsOf(name));
        Row[] rows = [.. Enumerable.Range(0, 3).Select(id => new Row { Id = id, Photo = Photo(id).ToMLImage() })];
        new ComponentWorkout<Row>(_ml, progress => _ml.Transforms.ControlNet().Condition("Map", "Photo", name, options, new() { Progress = progress }), rows, "Map")
        {
            Expected = [.. rows.Select(row => (row.Id, Levels(kind.Apply(Photo(row.Id), options))))],
        }.Run();
    }

    private static float[] Levels(ImageBuffer image)
    {
        using var mlImage = image.ToMLImage();
        return Cells.Of(mlImage);
    }

    private static ImageBuffer Photo(int id)
    {
        var image = new ImageBuffer(Width, Height, 3);
        for (var i = 0; i < image.Samples.Length; i++)
            image.Samples[i] = (byte)(i * (5 + id) / 3);
        return image;
    }

    private sealed class Row
    {
        public int Id { get; set; }

        [ImageType(Height, Width)]
        public MLImage? Photo { get; set; }
    }
}
