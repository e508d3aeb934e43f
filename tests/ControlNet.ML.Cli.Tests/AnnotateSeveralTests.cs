using System.Text.Json;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests;

/// <summary><c>annotate</c> with several photos and folders, and its list of options.</summary>
public sealed class AnnotateSeveralTests : IDisposable
{
    private readonly Tool _tool = new();

    public AnnotateSeveralTests()
    {
        foreach (var folder in (string[])["in/deep", "other", "out"])
            Directory.CreateDirectory(folder);
        foreach (var (file, level) in new[] { ("in/b.png", 10), ("in/a.JPG", 90), ("in/deep/c.png", 50), ("other/b.png", 30), ("d.webp", 70) })
            ImageCodec.Save(file.Replace(".JPG", ".jpg", StringComparison.Ordinal), new ImageBuffer(16, 8, 3, [.. Enumerable.Range(0, 384).Select(i => (byte)(level + i))]));
        File.Move("in/a.jpg", "in/a.JPG");
        File.WriteAllText("in/notes.txt", "no image");
    }

    public void Dispose() => _tool.Dispose();

    [Fact]
    public async Task Folders_and_files_are_annotated_in_their_order_without_subfolders_and_other_files()
    {
        var answer = await _tool.RunAsync("annotate", "d.webp", "in", "--as", "blur,none", "--set", "sigma=2", "--output", "out");

        Assert.Equal((App.Success, ""), (answer.Code, answer.Error));
        string[] expected = [.. ((string[])["d", "a", "b"]).SelectMany(name => ((string[])["blur", "none", "sheet"]).Select(kind => Path.Combine("out", $"{name}-{kind}.png")))];
        Assert.Equal(expected, answer.Output.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(expected.Order(StringComparer.Ordinal), _tool.Files.Where(file => file.StartsWith("out", StringComparison.Ordinal)));
        Assert.Equal(Blur.Apply(ImageCodec.Load("in/b.png"), new BlurOptions { Sigma = 2 }).Samples, ImageCodec.Load("out/b-blur.png").Samples);
    }

    [Fact]
    public async Task A_photo_that_cannot_be_read_is_named_and_the_others_are_made()
    {
        File.WriteAllText("in/broken.png", "no image");
        var answer = await _tool.RunAsync("annotate", "in", "-o", "out", "--json");
        Assert.Equal(App.SomeFailed, answer.Code);
        Assert.Contains("broken.png", answer.Error, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(answer.Output);
        Assert.Equal(["in/a.JPG", "in/b.png"], json.RootElement.GetProperty("photos").EnumerateArray().Select(photo => photo.GetProperty("photo").GetString()));
        Assert.Equal("in/broken.png", json.RootElement.GetProperty("failures")[0].GetProperty("photo").GetString());

        // None is all failed, and one alone is as before: its error, and no document.
        var none = await _tool.RunAsync("annotate", "in/broken.png", "in/notes.txt", "-o", "out");
        Assert.Equal(App.Failed, none.Code);
        var alone = await _tool.RunAsync("annotate", "in/broken.png", "--json");
        Assert.Equal((App.Failed, ""), (alone.Code, alone.Output));
    }

    [Fact]
    public async Task Two_photos_never_become_one_file()
    {
        var answer = await _tool.RunAsync("annotate", "in", "other", "-o", "out");
        Assert.Equal(App.Misused, answer.Code);
        Assert.Contains("in/b.png and other/b.png would both become 'out/b-canny.png'", answer.Error.Replace('\\', '/'), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles("out"));
        Assert.Equal(App.Misused, (await _tool.RunAsync("annotate", "d.webp", "--as", "canny,canny")).Code);
    }

    [Fact]
    public async Task A_folder_without_images_is_said_to_be_one()
    {
        Directory.CreateDirectory("empty");
        var answer = await _tool.RunAsync("annotate", "empty");
        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains("The folder 'empty' has no images, expected .png", answer.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(32, 16, "--width", "32")]
    [InlineData(8, 4, "--height", "4")]
    [InlineData(24, 24, "--width", "24", "--height", "24")]
    [InlineData(24, 12, "--size", "24x12")]
    public async Task A_side_that_is_not_given_follows_from_the_aspect_ratio(int width, int height, params string[] size)
    {
        foreach (var args in (string[][])[["annotate", "d.webp", "--as", "none"], ["draw", "depth", "in/b.png"]])
        {
            var answer = await _tool.RunAsync([.. args, .. size, "-o", "out/x.png"]);
            Assert.Equal((App.Success, ""), (answer.Code, answer.Error));
            var image = ImageCodec.Load("out/x.png");
            Assert.Equal((width, height), (image.Width, image.Height));
        }
    }

    [Fact]
    public async Task The_list_explains_every_option()
    {
        var list = (await _tool.RunAsync("annotate", "--list")).Output;
        Assert.Contains("threshold  integer, 0 to 255; default 127", list, StringComparison.Ordinal);
        Assert.Contains("aperture     3, 5 or 7; default 3", list, StringComparison.Ordinal);
        Assert.DoesNotContain("Options {", list, StringComparison.Ordinal);
        Assert.DoesNotContain("Options {", (await _tool.RunAsync("draw", "pose", "--help")).Output, StringComparison.Ordinal);

        using var json = JsonDocument.Parse((await _tool.RunAsync("annotate", "--list", "--json")).Output);
        var kinds = json.RootElement.GetProperty("conditions").EnumerateArray().ToDictionary(kind => kind.GetProperty("name").GetString()!);
        Assert.Equal(ConditionCatalog.All.Select(kind => kind.Name), kinds.Keys);
        var low = kinds["canny"].GetProperty("options")[0];
        Assert.Equal(("low", "number", 0.0, 100.0), (low.GetProperty("name").GetString(), low.GetProperty("type").GetString(), low.GetProperty("minimum").GetDouble(), low.GetProperty("default").GetDouble()));
        Assert.Equal(JsonValueKind.Null, low.GetProperty("maximum").ValueKind);
        Assert.Equal(["Tiny", "Large"], kinds["mlsd"].GetProperty("options").EnumerateArray().Single(option => option.GetProperty("name").GetString() == "network")
            .GetProperty("values").EnumerateArray().Select(value => value.GetString()));

        // Each option can be set by the name that is listed, to the default that is listed.
        foreach (var kind in ConditionCatalog.All.Where(kind => kind.Defaults is not null))
        {
            foreach (var option in kinds[kind.Name].GetProperty("options").EnumerateArray().Where(option => option.GetProperty("default").ValueKind != JsonValueKind.Null))
                Assert.Equal(kind.Defaults, kind.ParseOptions([$"{option.GetProperty("name").GetString()}={option.GetProperty("default")}"]));
        }
    }
}
