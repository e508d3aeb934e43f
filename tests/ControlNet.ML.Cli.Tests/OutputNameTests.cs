using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests;

/// <summary>Names on the command line that stand for others: a folder for files in it, a network's name for the model's own.</summary>
public sealed class OutputNameTests
{
    [Fact]
    public async Task A_folder_takes_the_names_that_commands_derive()
    {
        using var tool = new Tool();
        Directory.CreateDirectory("maps");
        ImageCodec.SavePng("far.png", new ImageBuffer(8, 8, 1, [.. Enumerable.Range(0, 64).Select(i => (byte)i)]));

        string[][] calls =
        [
            ["annotate", Tool.Photo, "--output", "maps/"], ["annotate", Tool.Photo, "--as", "canny,none", "--size", "16", "-o", "maps"],
            ["draw", "depth", "far.png", "--output", "maps/"], ["generate", "Red apple!", "--steps", "1", "--output", "maps/"], ["generate", "Red apple!", "--steps", "1", "--output", "maps"],
        ];
        foreach (var call in calls)
        {
            var answer = await tool.RunAsync(call);
            Assert.True(answer.Code == App.Success, answer.Error);
            Assert.All(answer.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.StartsWith("maps", line, StringComparison.Ordinal));
        }

        Assert.Equal(
            ["far-depth.png", "panda-canny.png", "panda-none.png", "panda-sheet.png", "red-apple-02.png", "red-apple.png"],
            tool.Files.Where(file => file != "far.png").Select(file => Path.GetRelativePath("maps", file)));
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_refused()
    {
        using var tool = new Tool();
        foreach (var call in new[] { new[] { "annotate", Tool.Photo }, ["generate", "x", "--steps", "1"] })
            Assert.Contains("does not exist: create it first", (await tool.RunAsync([.. call, "--output", "none/"])).Error, StringComparison.Ordinal);
        Assert.Empty(tool.Files);
    }

    [Theory]
    [InlineData(null, "run/curves.svg", "run/curves.svg")]
    [InlineData("a.svg", "run/curves.svg", "a.svg")]
    [InlineData("out/", "run/curves.svg", "out/curves.svg")]
    public void A_folder_is_what_ends_as_one(string? output, string derived, string expected) => Assert.Equal(expected, OutputName.File(output, derived));

    [Fact]
    public async Task A_network_of_the_model_goes_by_its_name_alone()
    {
        using var tool = new Tool();
        string[] common = ["generate", "lemon", "--steps", "1", "--seed", "3", "--photo", Tool.Photo];
        await tool.RunAsync([.. common, "--control", "emoji/canny:0.5", "--output", "long.png"]);

        var answer = await tool.RunAsync([.. common, "--control", "canny:0.5", "--output", "short.png"]);

        Assert.True(answer.Code == App.Success, answer.Error);
        Assert.Equal(ImageCodec.Load("long.png").Samples, ImageCodec.Load("short.png").Samples);
        Assert.Contains("No control network 'cany'", (await tool.RunAsync([.. common, "--control", "cany", "--output", "x.png"])).Error, StringComparison.Ordinal);

        // A folder of that name is meant as before, and this one holds no network.
        Directory.CreateDirectory("canny");
        Assert.NotEqual(App.Success, (await tool.RunAsync([.. common, "--control", "canny", "--output", "y.png"])).Code);
        Assert.False(File.Exists("y.png"));
    }
}
