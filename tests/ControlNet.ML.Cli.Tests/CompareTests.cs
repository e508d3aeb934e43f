using System.Text.Json;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests;

/// <summary><c>compare</c>: images, folders, and models over a table of prompts.</summary>
public sealed class CompareTests
{
    [Fact]
    public async Task Two_images_have_a_distance()
    {
        using var tool = new Tool();
        Image("a.png", 0);
        Image("b.png", 3);

        var text = await tool.RunAsync("compare", "a.png", "b.png");
        var data = await tool.RunAsync("compare", "a.png", "b.png", "--json");
        var same = await tool.RunAsync("compare", "a.png", "a.png", "--json");

        Assert.Equal((0, ""), (text.Code, text.Error));
        Assert.Contains("38.59", text.Output, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(data.Output);
        var row = json.RootElement.GetProperty("images")[0];
        Assert.Equal(20 * Math.Log10(255 / 3.0), row.GetProperty("psnr").GetDouble(), 1e-9);
        Assert.Equal((3, 1.0), (row.GetProperty("max").GetInt32(), row.GetProperty("differing").GetDouble()));
        Assert.InRange(row.GetProperty("ssim").GetDouble(), 0.9, 0.99999);
        using var equal = JsonDocument.Parse(same.Output);
        Assert.True(equal.RootElement.GetProperty("images")[0].GetProperty("identical").GetBoolean());
        Assert.Equal(JsonValueKind.Null, equal.RootElement.GetProperty("images")[0].GetProperty("psnr").ValueKind);
    }

    [Fact]
    public async Task Images_of_two_folders_are_compared_by_name_and_what_is_missing_is_named()
    {
        using var tool = new Tool();
        Directory.CreateDirectory("a");
        Directory.CreateDirectory("b");
        Image("a/1.png", 0);
        Image("b/1.png", 0);
        Image("a/2.png", 0);
        Image("b/2.png", 1);
        Image("b/3,3.png", 0);

        var answer = await tool.RunAsync("compare", "a", "b", "--output", "out.csv", "--json");

        Assert.Equal((App.SomeFailed, ""), (answer.Code, answer.Error));
        using var json = JsonDocument.Parse(answer.Output);
        var summary = json.RootElement.GetProperty("summary");
        Assert.Equal((3, 1, 1), (summary.GetProperty("images").GetInt32(), summary.GetProperty("failed").GetInt32(), summary.GetProperty("max").GetInt32()));
        Assert.Equal(10 * Math.Log10(255 * 255 / 0.5), summary.GetProperty("psnr").GetDouble(), 1e-9);
        var lines = await File.ReadAllLinesAsync("out.csv", TestContext.Current.CancellationToken);
        Assert.Equal(4, lines.Length);
        Assert.StartsWith("1.png,,Infinity,1,0,0,", lines[1], StringComparison.Ordinal);
        Assert.Equal("\"3,3.png\",,,,,,is only in 'b'", lines[3]);
    }

    [Fact]
    public async Task A_model_equals_itself_over_a_table_of_prompts()
    {
        using var tool = new Tool();
        await File.WriteAllTextAsync("prompts.csv", "prompt,seed\na tiger face,1\na red apple,\n", TestContext.Current.CancellationToken);

        var answer = await tool.RunAsync("compare", "emoji", "emoji", "--prompts", "prompts.csv", "--steps", "1", "--seed", "5", "--json");

        Assert.Equal(0, answer.Code);
        using var json = JsonDocument.Parse(answer.Output);
        var rows = json.RootElement.GetProperty("images").EnumerateArray().ToList();
        Assert.Equal(["a tiger face", "a red apple"], rows.Select(row => row.GetProperty("prompt").GetString()));
        Assert.All(rows, row => Assert.Equal(0, row.GetProperty("max").GetInt32()));
        Assert.Equal(["prompts.csv"], tool.Files);
    }

    [Theory]
    [InlineData("expected one size", 1, "a.png", "small.png")]
    [InlineData("a folder and none", 2, "a.png", ".")]
    [InlineData("--steps is for images that models generate", 2, "a.png", "a.png", "--steps", "3")]
    [InlineData("ends in .csv", 2, "a.png", "a.png", "--output", "x.txt")]
    [InlineData("has no column 'prompt'", 1, "emoji", "emoji", "--prompts", "wrong.csv")]
    public async Task What_cannot_be_compared_is_named(string because, int code, params string[] args)
    {
        using var tool = new Tool();
        Image("a.png", 0);
        ImageCodec.SavePng("small.png", new ImageBuffer(8, 8, 3));
        await File.WriteAllTextAsync("wrong.csv", "text\na\n", TestContext.Current.CancellationToken);

        var answer = await tool.RunAsync(["compare", .. args]);

        Assert.Equal(code, answer.Code);
        Assert.Contains(because, answer.Error, StringComparison.Ordinal);
    }

    private static void Image(string file, int brighter)
    {
        var image = new ImageBuffer(20, 16, 3);
        for (var i = 0; i < image.Samples.Length; i++)
            image.Samples[i] = (byte)((i * 7 % 200) + brighter);
        ImageCodec.SavePng(file, image);
    }
}
