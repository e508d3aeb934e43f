namespace ControlNet.ML.Cli.Tests;

/// <summary>Photos for networks whose conditions a learned annotator makes: its name, and how to give its file.</summary>
public sealed class AnnotatorAdviceTests
{
    [Theory]
    [InlineData("sd-controlnet-openpose", "needs the learned annotator 'openpose' (OpenPose skeletons of bodies, by OpenPose or its lightweight variant): give its ONNX file with --set model=FILE")]
    [InlineData("control_v11p_sd15_normalbae", "needs the learned annotator 'normal_bae'")]
    [InlineData("sd-controlnet-seg", "needs the learned annotator 'segmentation'")]
    [InlineData("control_sd15_hed", "needs the learned annotator 'softedge_hed'")]
    [InlineData("control_v11f1p_sd15_depth", "name one with --preprocess depth_midas (depth by MiDaS or DPT, near is bright) or --preprocess depth_anything")]
    [InlineData("control_v11f1p_sd15_depthless", "does not contain the kind of condition that it was trained on")]
    public async Task The_annotator_and_the_option_for_its_file_are_named(string network, string message)
    {
        using var tool = new Tool();
        Directory.CreateDirectory(network);
        await File.WriteAllTextAsync("t.csv", $"prompt,photo\nx,{Tool.Photo}\n", TestContext.Current.CancellationToken);

        var generate = await tool.RunAsync("generate", "x", "--photo", Tool.Photo, "--control", network);
        var score = await tool.RunAsync("score", "t.csv", "--out", "o", "--control", network);

        Assert.Equal((App.Misused, App.Misused), (generate.Code, score.Code));
        Assert.Contains(message, generate.Error, StringComparison.Ordinal);
        Assert.Contains(message, score.Error, StringComparison.Ordinal);
        Assert.Equal(["t.csv"], tool.Files);
    }

    [Fact]
    public async Task A_named_annotator_needs_its_file_too_and_an_included_one_does_not()
    {
        using var tool = new Tool();
        var openpose = await tool.RunAsync("generate", "x", "--photo", Tool.Photo, "--control", "emoji/canny", "--preprocess", "dwpose");
        Assert.Contains("--photo with 'emoji/canny' needs the learned annotator 'dwpose'", openpose.Error, StringComparison.Ordinal);
        Assert.Contains("or ready-made conditions with --condition", openpose.Error, StringComparison.Ordinal);
        var missing = await tool.RunAsync("generate", "x", "--photo", Tool.Photo, "--control", "emoji/canny", "--preprocess", "dwpose", "--set", "model=none.onnx");
        Assert.Contains("there is no such file", missing.Error, StringComparison.Ordinal);
    }
}
