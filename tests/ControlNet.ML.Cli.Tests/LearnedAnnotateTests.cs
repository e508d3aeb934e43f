using System.Diagnostics;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using ControlNet.ML.Onnx;

namespace ControlNet.ML.Cli.Tests;

/// <summary>Learned conditions and conditions from data, by the tool.</summary>
public sealed class LearnedAnnotateTests
{
    [Fact]
    public async Task Straight_lines_need_nothing_but_the_photo()
    {
        using var tool = new Tool();

        var answer = await tool.RunAsync("annotate", Tool.Photo, "--as", "mlsd", "--set", "network=tiny");

        Assert.Equal((0, ""), (answer.Code, answer.Error));
        using var mlsd = Mlsd.Open(new LearnedLinesOptions { Network = LineNetwork.Tiny });
        Assert.Equal(mlsd.Apply(ImageCodec.Load(Tool.Photo)).Samples, ImageCodec.Load("panda-mlsd.png").Samples);
    }

    [Fact]
    public async Task Onnx_runtime_says_nothing_of_its_own_where_the_home_folder_cannot_be_written()
    {
        using var tool = new Tool();

        // A process of its own: ONNX Runtime has one environment in each, made once.
        using var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(App).Assembly.Location, "annotate", Tool.Photo, "--as", "mlsd", "--set", "network=tiny"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            Environment = { ["HOME"] = Tool.Photo, ["ORT_DISABLE_TELEMETRY"] = null },
        })!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal((0, "", "panda-mlsd.png"), (process.ExitCode, error, (await output).Trim()));
    }

    [Fact]
    public async Task A_network_is_named_by_its_file_and_missed_by_its_name()
    {
        using var tool = new Tool();
        var graph = Fixtures.Path("onnx-annotators", "graphs", "dpt-hybrid-midas-random.onnx");

        var made = await tool.RunAsync("annotate", Tool.Photo, "--as", "depth_midas,canny", "--set", $"model={graph}", "--size", "96x64");
        var unnamed = await tool.RunAsync("annotate", Tool.Photo, "--as", "depth_midas", "--output", "none.png");
        var list = await tool.RunAsync("annotate", "--list");

        Assert.Equal((0, ""), (made.Code, made.Error));
        Assert.Equal((96, 64), (ImageCodec.Load("panda-depth_midas.png").Width, ImageCodec.Load("panda-depth_midas.png").Height));
        Assert.Equal(App.Misused, unnamed.Code);
        Assert.Contains("'depth_midas' needs its network", unnamed.Error);
        Assert.False(File.Exists("none.png"));
        Assert.All(ConditionCatalog.All, kind => Assert.Contains(kind.Name, list.Output));
    }

    [Fact]
    public async Task Keypoints_are_drawn_at_the_size_asked_for()
    {
        using var tool = new Tool();
        PoseFile.Write("people.json", new PoseScene(100, 50, [new PosePerson { Body = [.. Enumerable.Range(0, 18).Select(i => (PosePoint?)new PosePoint(0.3 + (0.02 * i), 0.2 + (0.03 * i)))] }]));
        var scene = PoseFile.Read("people.json");

        var own = await tool.RunAsync("draw", "pose", "people.json");
        var wide = await tool.RunAsync("draw", "pose", "people.json", "--size", "80", "--fit", "fill", "--set", "style=original", "-o", "square.png");

        Assert.Equal((0, "people-pose.png\n", ""), (own.Code, own.Output.ReplaceLineEndings("\n"), own.Error));
        Assert.Equal(PoseDrawing.Draw(scene.People, 100, 50).Samples, ImageCodec.Load("people-pose.png").Samples);
        Assert.Equal(0, wide.Code);
        var square = ImageCodec.Load("square.png");
        Assert.Equal((80, 80), (square.Width, square.Height));
        var inside = new ImageBuffer(80, 80, 3);
        var geometry = Geometry.ForMap(100, 50, 80, 80, FitMode.Fill);
        geometry.Place(PoseDrawing.Draw(scene.People, geometry.ScaledWidth, geometry.ScaledHeight, new PoseDrawingOptions { Style = PoseStyle.Original }), inside);
        Assert.Equal(inside.Samples, square.Samples);
    }

    [Fact]
    public async Task Regions_and_depths_are_drawn_and_what_is_wrong_is_named()
    {
        using var tool = new Tool();
        File.WriteAllText("layout.json", """{ "width": 8, "height": 4, "background": "sky", "regions": [{ "label": "sea", "box": [0, 2, 8, 4] }] }""");
        File.WriteAllText("wrong.json", """{ "width": 8, "height": 4, "regions": [{ "label": "see", "box": [0, 2, 8, 4] }] }""");
        ImageCodec.SavePng("depth.png", new ImageBuffer(3, 1, 1, [10, 20, 30]));

        Assert.Equal(0, (await tool.RunAsync("draw", "segmentation", "layout.json")).Code);
        Assert.Equal(0, (await tool.RunAsync("draw", "depth", "depth.png", "--set", "invert=true", "-o", "near.png")).Code);
        Assert.Equal(0, (await tool.RunAsync("draw", "normal", "depth.png", "--json")).Code);
        var wrong = await tool.RunAsync("draw", "segmentation", "wrong.json");
        var over = await tool.RunAsync("draw", "depth", "depth.png", "-o", "depth.png");
        var size = await tool.RunAsync("draw", "depth", "depth.png", "--size", "60000");

        Assert.Equal([2, 2], SegmentationPalette.Ade20k.ToLabels(ImageCodec.Load("layout-segmentation.png")).Samples[..2]);
        Assert.Equal([255, 128, 0], ImageCodec.Load("near.png").Samples);
        Assert.Equal((1, 2, 2), (wrong.Code, over.Code, size.Code));
        Assert.Contains("region 1: 'ade20k' has no class 'see'", wrong.Error);
        Assert.Contains("would overwrite the input file", over.Error);
        Assert.Contains("60000x60000", size.Error);
        Assert.Equal(["depth-normal.png", "depth.png", "layout-segmentation.png", "layout.json", "near.png", "wrong.json"], tool.Files);
    }
}
