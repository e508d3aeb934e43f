using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;
using SkiaSharp;

namespace ControlNet.ML.EmojiTraining.Tests;

/// <summary>Scenes and data sets of two emoji that the test draws: a red disc and a blue square on transparent backgrounds.</summary>
public sealed class SceneTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _zip;

    public SceneTests()
    {
        _zip = _folder.File("art.zip");
        DrawnArt.Write(_zip, new("disc", SKColors.Red, "fluent 3d emoji", "food-fruit"), new("square", SKColors.Blue, "noto emoji", "flag"));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_plain_scene_is_the_art_on_white_with_its_name_and_style()
    {
        using var art = EmojiArt.Open(_zip, "eval");
        var scene = Scene.Plain(art, 0);
        Assert.Equal("disc, fluent 3d emoji", scene.Caption);
        Assert.Equal([255, 255, 255], scene.Image.Row(0)[..3].ToArray());
        Assert.Equal([255, 0, 0], scene.Image.Row(64).Slice(3 * 64, 3).ToArray());
        var mask = SceneConditions.MaskOf(scene);
        Assert.Equal((0, 255), (mask.Samples[0], mask.Samples[(64 * 128) + 64]));
    }

    [Theory, InlineData("canny"), InlineData("scribble"), InlineData("mask")]
    public void A_data_set_depends_on_its_seed_alone(string kind)
    {
        using var art = EmojiArt.Open(_zip, "train");
        SceneSet.Write(art, kind, 30, 7, _folder.File("one"), null, default);
        SceneSet.Write(art, kind, 30, 7, _folder.File("two"), null, default);
        SceneSet.Write(art, kind, 30, 8, _folder.File("three"), null, default);
        string[] files = [.. Directory.EnumerateFiles(_folder.File("one"), "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(_folder.File("one"), file))];
        Assert.Equal(62, files.Length);
        Assert.All(files, file => Assert.Equal(File.ReadAllBytes(_folder.File("one", file)), File.ReadAllBytes(_folder.File("two", file))));
        Assert.NotEqual(File.ReadAllText(_folder.File("one", "metadata.jsonl")), File.ReadAllText(_folder.File("three", "metadata.jsonl")));

        var condition = ImageCodec.Load(_folder.File("one", "conditions", "000000.png"));
        Assert.Equal((128, 128), (condition.Width, condition.Height));
        Assert.All(condition.Samples.Distinct(), level => Assert.Contains(level, (byte[])[0, 128, 255]));
        Assert.Contains((byte)255, condition.Samples);
    }

    [Fact]
    public void Captions_describe_the_scene()
    {
        using var art = EmojiArt.Open(_zip, "train");
        var weights = new RowWeights(art.Rows);
        var scenes = Enumerable.Range(0, 400).Select(i => Scene.Random(art, weights, new TorchRandom((ulong)i))).ToList();
        Assert.All(scenes, scene => Assert.Equal(scene.Caption.Contains(" left of ", StringComparison.Ordinal), scene.Masks.Count == 2));
        Assert.InRange(scenes.Count(scene => scene.Masks.Count == 2), 30, 100);
        Assert.InRange(scenes.Count(scene => scene.Caption.Contains("background", StringComparison.Ordinal)), 90, 200);

        // The square has a twentieth of the disc's weight.
        Assert.InRange(scenes.Count(scene => scene.Caption.StartsWith("square", StringComparison.Ordinal)), 1, 50);
    }

    [Fact]
    public void Invalid_inputs_are_named_and_leave_nothing()
    {
        File.WriteAllText(_folder.File("no.zip"), "no zip");
        Assert.Contains("is not a zip file", Assert.Throws<ControlNetException>(() => EmojiArt.Open(_folder.File("no.zip"), "train")).Message, StringComparison.Ordinal);
        Assert.Contains("has no test/metadata.jsonl", Assert.Throws<ControlNetException>(() => EmojiArt.Open(_zip, "test")).Message, StringComparison.Ordinal);
        using var art = EmojiArt.Open(_zip, "train");
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => SceneSet.Write(art, "canny", 5, 0, _folder.File("set"), null, cancelled.Token));
        Assert.Empty(Directory.EnumerateDirectories(_folder.Path));
    }
}
