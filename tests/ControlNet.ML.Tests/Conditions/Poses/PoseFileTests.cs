using System.Globalization;
using System.Text;
using ControlNet.ML.Conditions;
using FsCheck;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Conditions;

[Properties(Arbitrary = [typeof(PoseSamples)], MaxTest = 40)]
public sealed class PoseFileTests
{
    private const string CocoPoints = "[10,20,2, 0,0,0, 30,40,1, 0,0,0, 0,0,0, 50,60,2, 70,80,2, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0]";

    [Property]
    public void What_is_written_is_read_again(PosePerson[] people, PositiveInt width, PositiveInt height)
    {
        var scene = new PoseScene(width.Get, height.Get, people);
        using var folder = new TemporaryFolder();
        PoseFile.Write(folder.File("pose.json"), scene);
        var read = PoseFile.Read(folder.File("pose.json"));
        Assert.Equal((scene.Width, scene.Height), (read.Width, read.Height));
        Assert.Equal(people.Select(Parts), read.People.Select(Parts));
    }

    [Property]
    public void A_figure_within_one_pixel_is_read_as_it_was_written(PosePerson person)
    {
        PosePoint?[] body = [.. person.Body.Select(point => point is { } p ? p with { X = p.X / 1024, Y = p.Y / 1024 } : (PosePoint?)null)];
        What_is_written_is_read_again([new PosePerson { Body = body }], PositiveInt.NewPositiveInt(64), PositiveInt.NewPositiveInt(200));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(640)]
    [InlineData(769)]
    public void Whole_pixels_stay_where_they_are_when_drawing_truncates(int side)
    {
        var people = Enumerable.Range(-2, side + 4).Select(x => $$"""{"pose_keypoints_2d":{{Numbers(18, $"{x},2,1")}}}""");
        var scene = Parse($$"""{"people":[{{string.Join(',', people)}}]}""", side, 5);
        Assert.Equal(Enumerable.Range(-2, side + 4), scene.People.Select(person => (int)(person.Body[0]!.Value.X * side)));
    }

    [Fact]
    public void Pixels_and_fractions_are_told_apart()
    {
        var pixels = Parse($$"""{"people":[{"pose_keypoints_2d":{{Numbers(18, "50,20,0.5", "0,0,0")}}}],"canvas_width":100.0,"canvas_height":80}""");
        Assert.Equal((100, 80), (pixels.Width, pixels.Height));
        Assert.Equal(new PosePoint(0.5, 0.25, 0.5), pixels.People[0].Body[0]);
        Assert.Null(pixels.People[0].Body[1]);
        Assert.Null(pixels.People[0].LeftHand);
        var fractions = Parse($$"""{"people":[{"pose_keypoints_2d":{{Numbers(18, "0.5,1,1")}},"face_keypoints_2d":null,"hand_left_keypoints_2d":[]}]}""", 100, 80);
        Assert.Equal(new PosePoint(0.5, 1), fractions.People[0].Body[0]);
        Assert.Null(fractions.People[0].Face);
    }

    [Fact]
    public void The_body_of_25_loses_its_hips_middle_and_its_feet()
    {
        string[] points = [.. Enumerable.Range(0, 25).Select(i => $"{i},{i},1")];
        var body = Parse($$"""[{"people":[{"pose_keypoints_2d":{{Numbers(25, points)}}}],"canvas_width":50,"canvas_height":50},{}]""").People[0].Body;
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18], body.Select(point => (int)Math.Round(point!.Value.X * 50)));
    }

    [Fact]
    public void Coco_files_give_the_people_of_one_image()
    {
        var json = $$"""
            {"images":[{"id":7,"width":100,"height":200},{"id":8,"width":10,"height":10}],
             "annotations":[{"image_id":8,"keypoints":{{Numbers(17, "1,1,2")}}},{"image_id":7,"keypoints":{{CocoPoints}}},{"image_id":7,"keypoints":{{Numbers(17)}}}]}
            """;
        var scene = Parse(json, options: new PoseReadOptions { ImageId = 7 });
        Assert.Equal((100, 200, 1), (scene.Width, scene.Height, scene.People.Count));
        var body = scene.People[0].Body;
        Assert.Equal(new PosePoint(0.1, 0.1), body[0]);
        Assert.Equal((0.6, 0.35), (body[1]!.Value.X, body[1]!.Value.Y));
        Assert.Equal((0.7, 0.5), (body[2]!.Value.X, body[5]!.Value.X));
        Assert.Equal(5, body.Count(point => point is not null));
        Assert.Contains("2 images ('7', '8')", Fails(json), StringComparison.Ordinal);
        Assert.Contains("no image 9", Fails(json, options: new PoseReadOptions { ImageId = 9 }), StringComparison.Ordinal);
        var bare = Parse($$"""[{"image_id":3,"keypoints":{{CocoPoints}},"score":0.9}]""", 100, 200);
        Assert.Equal(body, bare.People[0].Body);
    }

    [Fact]
    public void Coco_ids_may_be_texts()
    {
        var json = $$"""{"images":[{"id":"7","width":100,"height":200},{"id":"eight","width":1,"height":1}],"annotations":[{"image_id":7,"keypoints":{{CocoPoints}}}]}""";
        var scene = Parse(json, options: new PoseReadOptions { ImageId = 7 });
        Assert.Equal((100, 200, 1), (scene.Width, scene.Height, scene.People.Count));
        Assert.Contains("2 images ('7', 'eight')", Fails(json), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("{", "not valid JSON")]
    [InlineData("[]", "a list of 0")]
    [InlineData("3", "3 without keypoints")]
    [InlineData("""{"keypoints":[]}""", "'people'")]
    [InlineData("""{"people":3}""", "'people' is 3")]
    [InlineData("""{"people":[3]}""", "person 1 is 3")]
    [InlineData("""{"people":[{},{"pose_keypoints_2d":[1,2,3]}]}""", "'pose_keypoints_2d' of person 2 has 3 numbers, expected 54 (18 points of x, y and confidence) or 75")]
    [InlineData("""{"people":[{"hand_left_keypoints_2d":[1,2]}]}""", "'hand_left_keypoints_2d' of person 1 has 2 numbers, expected 63")]
    [InlineData("""{"people":[{"face_keypoints_2d":{}}]}""", "'face_keypoints_2d' of person 1 is an object")]
    [InlineData("""{"people":[],"canvas_width":0}""", "'canvas_width' is 0")]
    [InlineData("""{"people":[],"canvas_width":65535,"canvas_height":65535}""", "at most 100,000,000")]
    [InlineData("""{"annotations":{}}""", "'annotations' is an object")]
    [InlineData("""{"annotations":[3]}""", "annotation 1 is 3")]
    [InlineData("""{"annotations":[{"image_id":true}]}""", "'image_id' of annotation 1 is true")]
    [InlineData("""[{"keypoints":[1,2,3]}]""", "'keypoints' of annotation 1 has 3 numbers, expected 51")]
    public void Bad_files_are_named(string json, string expected)
    {
        var message = Fails(json, 8, 8);
        Assert.StartsWith("pose.json", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_file_cannot_hold_is_refused()
    {
        Assert.Contains("is the string \"1\"", Fails($$"""{"people":[{"pose_keypoints_2d":{{Numbers(18, "\"1\",0,1")}}}]}""", 8, 8), StringComparison.Ordinal);
        Assert.Contains("finite", Fails($$"""{"people":[{"pose_keypoints_2d":{{Numbers(18, "1e999,0,1")}}}]}""", 8, 8), StringComparison.Ordinal);
        Assert.Contains("at most 10,000", Fails($$"""{"people":[{{string.Join(',', Enumerable.Repeat("{}", 10_001))}}]}""", 8, 8), StringComparison.Ordinal);
        Assert.Contains("('canvas_width'), expected Width to be given", Fails("""{"people":[]}"""), StringComparison.Ordinal);
        Assert.Contains("Height given is -1", Fails("""{"people":[],"canvas_width":3}""", 8, -1), StringComparison.Ordinal);
        Assert.Contains("cannot be read", Assert.Throws<ControlNetException>(() => PoseFile.Read("/nowhere/pose.json")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => PoseFile.Write("x.json", new PoseScene(8, 8, [new PosePerson { Body = [.. Enumerable.Repeat<PosePoint?>(new PosePoint(double.NaN, 0), 18)] }])));
    }

    [Property]
    public void Damaged_files_never_fail_otherwise(PosePerson person, PositiveInt at, byte value)
    {
        using var folder = new TemporaryFolder();
        PoseFile.Write(folder.File("pose.json"), new PoseScene(64, 64, [person]));
        var bytes = File.ReadAllBytes(folder.File("pose.json"));
        bytes[at.Get * 7919 % bytes.Length] = value;
        try
        {
            PoseFile.Parse(bytes, "pose.json");
        }
        catch (ControlNetException error)
        {
            Assert.StartsWith("pose.json", error.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>A list of so many points: those given, then missing ones.</summary>
    private static string Numbers(int count, params string[] points) => $"[{string.Join(',', points.Concat(Enumerable.Repeat("0,0,0", count - points.Length)))}]";

    private static PoseScene Parse(string json, int? width = null, int? height = null, PoseReadOptions? options = null) =>
        PoseFile.Parse(Encoding.UTF8.GetBytes(json), "pose.json", (options ?? new PoseReadOptions()) with { Width = width, Height = height });

    private static string Fails(string json, int? width = null, int? height = null, PoseReadOptions? options = null) =>
        Assert.Throws<ControlNetException>(() => Parse(json, width, height, options)).Message;

    private static string Parts(PosePerson person) =>
        string.Join('\n', new[] { person.Body, person.LeftHand, person.RightHand, person.Face }.Select(part => part is null ? "none" : string.Join(' ', part.Select(Text))));

    private static string Text(PosePoint? point) =>
        point is { } p ? string.Create(CultureInfo.InvariantCulture, $"{p.X:r},{p.Y:r},{p.Score:r}") : "-";
}
