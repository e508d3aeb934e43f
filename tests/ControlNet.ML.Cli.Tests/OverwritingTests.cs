using System.Diagnostics;
using ControlNet.ML.Cli.Tests.Scoring;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests;

/// <summary>No command writes over what it reads, by whatever name.</summary>
public sealed class OverwritingTests
{
    private const string Photo = "photo.png", Kept = "would overwrite the input file";

    [Theory]
    [InlineData("annotate photo.png -o photo.png")]
    [InlineData("annotate photo.png -o ./photo.png")]
    [InlineData("annotate photo.png -o folder/../photo.png")]
    [InlineData("annotate folder/../photo.png -o photo.png")]
    [InlineData("annotate photo.png -o link.png")]
    [InlineData("annotate link.png -o photo.png")]
    [InlineData("annotate photo.png -o folderlink/../photo.png")]
    [InlineData("annotate photo.png -o hard.png")]
    [InlineData("annotate x-canny.png --as canny,none -o x.png")]
    [InlineData("annotate x-sheet.png --as canny,none -o x.png")]
    [InlineData("annotate folder/x-canny.png --as canny,none -o folder/x.png")]
    [InlineData("draw depth photo.png -o ./photo.png")]
    [InlineData("draw normal link.png -o photo.png")]
    [InlineData("draw depth hard.png -o photo.png")]
    public async Task An_image_that_is_read_stays(string command)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        using var tool = Prepared();
        var before = Contents(tool);
        var answer = await tool.RunAsync(TestContext.Current.CancellationToken, command.Split(' '));
        Assert.Equal(App.Misused, answer.Code);
        Assert.Contains(Kept, answer.Error, StringComparison.Ordinal);
        Assert.Equal(before, Contents(tool));
    }

    [Theory]
    [InlineData("--photo", "x-condition.png", "the condition comes from")]
    [InlineData("--condition", "link.png", "the condition comes from")]
    [InlineData("--image", "x-1.png", "the image to start from")]
    [InlineData("--image", "x-grid.png", "the image to start from")]
    public async Task So_do_those_under_derived_names_of_generate(string option, string file, string reason)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        using var tool = Prepared();
        var before = Contents(tool);
        string[] control = option == "--image" ? [] : ["--control", "emoji/canny", "--show-condition"];
        string[] output = file == "link.png" ? ["--output", Photo] : ["--count", "2", "--output", "x.png"];
        var answer = await tool.RunAsync(TestContext.Current.CancellationToken, ["generate", "x", "--steps", "1", "--size", "64", option, file, .. control, .. output]);
        Assert.Equal(App.Misused, answer.Code);
        Assert.Contains(reason, answer.Error, StringComparison.Ordinal);
        Assert.Equal(before, Contents(tool));
    }

    [Theory]
    [InlineData("annotate photo.png -o device.png", "is a pipe, a socket or a device")]
    [InlineData("annotate photo.png --as canny,none -o y.png", "is a folder")]
    [InlineData("draw depth photo.png -o device.png", "is a pipe, a socket or a device")]
    public async Task What_is_no_file_is_not_replaced_by_one(string command, string reason)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Devices have no paths there.");
        using var tool = Prepared();
        File.CreateSymbolicLink("device.png", "/dev/null");
        Directory.CreateDirectory("y-sheet.png");
        var before = Contents(tool);
        var answer = await tool.RunAsync(TestContext.Current.CancellationToken, command.Split(' '));
        Assert.Equal(App.Misused, answer.Code);
        Assert.Contains(reason, answer.Error, StringComparison.Ordinal);
        Assert.Equal(before, Contents(tool));
    }

    [Theory]
    [InlineData("")]
    [InlineData("deeper")]
    public async Task A_file_in_place_of_the_runs_folder_is_called_that(string below)
    {
        using var folder = new ScoreFolder("prompt\na\n");
        var refused = await folder.RunAsync(settings => settings with { Out = Path.Combine(folder.Table, below) });
        Assert.Equal(App.Failed, refused.Code);
        Assert.Contains("is a file, expected a folder", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_derived_name_that_is_not_written_may_be_read()
    {
        using var tool = Prepared();
        var answer = await tool.RunAsync(
            TestContext.Current.CancellationToken, "generate", "x", "--steps", "1", "--size", "64", "--strength", "1", "--image", "x-grid.png", "--output", "x.png");
        Assert.Equal((0, ""), (answer.Code, answer.Error));
    }

    [Fact]
    public async Task What_a_command_wrote_is_replaced_by_its_next_call()
    {
        using var tool = Prepared();
        Assert.Equal(0, (await tool.RunAsync(TestContext.Current.CancellationToken, "annotate", Photo, "-o", "out.png")).Code);
        var first = File.ReadAllBytes("out.png");
        Assert.Equal(0, (await tool.RunAsync(TestContext.Current.CancellationToken, "annotate", Photo, "--as", "none", "-o", "out.png")).Code);
        Assert.NotEqual(first, File.ReadAllBytes("out.png"));
    }

    [Theory]
    [InlineData("results.csv")]
    [InlineData("results.parquet")]
    public async Task A_table_is_not_among_the_runs_own_files(string name)
    {
        using var folder = new ScoreFolder("prompt\na\n");
        Directory.CreateDirectory(folder.Out);
        var table = Path.Combine(folder.Out, name);
        File.Copy(folder.Table, table);
        var refused = await folder.RunAsync(settings => settings with { Table = table });
        Assert.Equal(App.Misused, refused.Code);
        Assert.Contains("would overwrite the table", refused.Error, StringComparison.Ordinal);
        Assert.Equal([name], folder.Files(folder.Out));
    }

    [Theory]
    [InlineData("pictures/00000000.png")]
    [InlineData("results.csv")]
    [InlineData("results-1-of-2.parquet")]
    public async Task A_new_run_replaces_nothing_that_it_does_not_know(string name)
    {
        using var folder = new ScoreFolder("prompt\na\n");
        Directory.CreateDirectory(Path.Combine(folder.Out, "pictures"));
        await File.WriteAllTextAsync(Path.Combine(folder.Out, name), "mine", TestContext.Current.CancellationToken);
        var refused = await folder.RunAsync();
        Assert.Equal(App.Failed, refused.Code);
        Assert.Contains("a new run would overwrite it", refused.Error, StringComparison.Ordinal);
        Assert.Equal([name], folder.Files(folder.Out));
    }

    [Fact]
    public async Task A_row_that_reads_an_image_of_its_own_run_fails_alone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        using var folder = new ScoreFolder("prompt,image\na,\nb,out/pictures/00000000.png\nc,./out/../out/pictures/00000003.png\nd,link.png\n");
        File.CreateSymbolicLink(folder.File_("link.png"), Path.Combine(folder.Out, "pictures", "00000000.png"));
        Assert.Equal(App.SomeFailed, (await folder.RunAsync()).Code);
        var rows = ScoreFolder.Results(Path.Combine(folder.Out, "results.csv")).ToList();
        Assert.Equal(["true", "false", "false", "false"], rows.TakeLast(4).Select(row => row[1]));
        Assert.All(rows.TakeLast(3), row => Assert.Contains("is in the folder to which this run writes its images", string.Join('|', row), StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_curves_of_a_run_do_not_replace_its_log()
    {
        using var tool = new Tool();
        Directory.CreateDirectory("run");
        await File.WriteAllTextAsync("run/run.json", "{}", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync("run/log.jsonl", "{\"step\":1,\"loss\":0.5}\n", TestContext.Current.CancellationToken);
        var before = Contents(tool);
        foreach (var name in new[] { "run/log.jsonl", "run/run.json", "run/curves" })
            Assert.Equal(App.Misused, (await tool.RunAsync(TestContext.Current.CancellationToken, "train", "plot", "run", "--output", name)).Code);
        if (!OperatingSystem.IsWindows())
        {
            File.CreateSymbolicLink("curves.svg", Path.GetFullPath("run/log.jsonl"));
            var answer = await tool.RunAsync(TestContext.Current.CancellationToken, "train", "plot", "run", "--output", "curves.svg");
            Assert.Contains("would overwrite the run's", answer.Error, StringComparison.Ordinal);
            File.Delete("curves.svg");
        }

        Assert.Equal(before, Contents(tool));
    }

    private static Tool Prepared()
    {
        var tool = new Tool();
        var photo = new ImageBuffer(64, 64, 1, [.. Enumerable.Range(0, 64 * 64).Select(i => (byte)(i * 7))]);
        Directory.CreateDirectory("folder");
        foreach (var name in new[] { Photo, "x-canny.png", "x-sheet.png", "folder/x-canny.png", "x-condition.png", "x-1.png", "x-grid.png" })
            ImageCodec.SavePng(name, photo);
        if (!OperatingSystem.IsWindows())
        {
            File.CreateSymbolicLink("link.png", Path.GetFullPath(Photo));
            Directory.CreateSymbolicLink("folderlink", Path.GetFullPath("folder"));
            using var process = Process.Start("ln", [Photo, "hard.png"]);
            process.WaitForExit();
        }

        return tool;
    }

    private static List<(string Name, string Content)> Contents(Tool tool) =>
        [.. tool.Files.Select(file => (file, Convert.ToHexString(File.ReadAllBytes(Path.Combine(tool.Folder, file)))))];
}
