using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests;

/// <summary>A command line that is wrong gets one message, with what was probably meant.</summary>
public sealed class CommandLineErrorTests
{
    [Theory]
    [InlineData("Unknown command 'generat'. Did you mean 'generate'?", "generat", "x", "--steps", "5")]
    [InlineData("Unknown command 'pse'. Did you mean 'pose'?", "draw", "pse")]
    [InlineData("'draw' needs a command, expected pose, segmentation, depth or normal.", "draw")]
    [InlineData("Unknown option '--stpes' of 'generate'. Did you mean '--steps'?", "generate", "x", "--stpes", "5")]
    [InlineData("Unknown option '--stpes' of 'generate'. Did you mean '--steps'?", "generate", "--stpes", "5", "x")]
    [InlineData("Unknown option '--outptu' of 'annotate'. Did you mean '--output'?", "annotate", "a.png", "--outptu", "b.png")]
    [InlineData("Unknown option '--sampler' of 'generate'. Did you mean '--scheduler'?", "generate", "x", "--sampler", "Euler a")]
    [InlineData("Unknown option '--num_inference_steps' of 'generate'. Did you mean '--steps'?", "generate", "x", "--num_inference_steps", "5")]
    [InlineData("Unknown option '--negative_prompt' of 'generate'. Did you mean '--negative'?", "generate", "x", "--negative_prompt", "y")]
    [InlineData("Unknown option '--jsn' of 'score merge'. Did you mean '--json'?", "score", "merge", "run", "--jsn")]
    [InlineData("Unknown option '--verbos' of 'doctor'. Did you mean '--verbose'?", "doctor", "--verbos")]
    [InlineData("Unknown option '--frobnicate' of 'models'.", "models", "--frobnicate")]
    [InlineData("Unknown option '--flip-it' of 'train'.", "train", "d", "-o", "r", "--conditioning-embedding-out-channels", "4", "8", "--flip-it")]
    [InlineData("Unexpected argument 'red' of 'generate'. Quote a prompt of several words: \"a red apple\".", "generate", "a", "red", "apple")]
    [InlineData("Unexpected argument 'run' of 'score'. Did you mean 'score merge'?", "score", "merg", "run")]
    [InlineData("--steps has no value.", "generate", "x", "--steps")]
    [InlineData("--steps is 'abc', expected a whole number.", "generate", "x", "--steps", "abc")]
    [InlineData("--guidance is 'high', expected a number.", "generate", "x", "--guidance", "high")]
    [InlineData("--fit is 'crp'. Did you mean 'crop'? Expected crop, fill or resize.", "generate", "x", "--fit", "crp")]
    [InlineData("--lr-scheduler is 'cosin'. Did you mean 'Cosine'? Expected Constant or Cosine.", "train", "d", "-o", "r", "--lr-scheduler", "cosin")]
    [InlineData("The option --output is missing.", "train", "d")]
    [InlineData("The argument 'table' of 'score' is missing.", "score", "-o", "r")]
    public async Task One_message_says_what_was_meant(string message, params string[] args)
    {
        using var tool = new Tool();
        var answer = await tool.RunAsync(args);
        Assert.Equal(App.Misused, answer.Code);
        var lines = answer.Error.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Equal($"error: {message}", lines[0]);
        Assert.StartsWith("See 'controlnet ", lines[1], StringComparison.Ordinal);
        Assert.Empty(answer.Output);
    }

    [Fact]
    public async Task A_benchmark_that_is_mistyped_is_named_with_those_there_are()
    {
        using var tool = new Tool();
        var answer = await tool.RunAsync("bench", "reszie");
        Assert.Equal(App.Misused, answer.Code);
        Assert.StartsWith("error: The benchmark is 'reszie'. Did you mean 'resize'? Expected approximate-step, approximations, canny, ", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_follows_two_dashes_is_no_option()
    {
        using var tool = new Tool();
        var answer = await tool.RunAsync("generate", "--steps", "1", "--output", "x.png", "--", "--dark mood");
        Assert.Equal((App.Success, ""), (answer.Code, answer.Error));
        Assert.Equal("--dark mood", PngText.Read("x.png")["prompt"]);
    }

    [Fact]
    public async Task A_value_may_begin_with_a_dash()
    {
        using var tool = new Tool();
        var answer = await tool.RunAsync("generate", "x", "--steps", "1", "--negative", "--ugly", "--seed", "-1", "--output", "x.png");
        Assert.Equal((App.Success, ""), (answer.Code, answer.Error));
        Assert.Equal("--ugly", PngText.Read("x.png")["negative_prompt"]);
    }

    [Fact]
    public async Task The_help_of_the_tool_is_a_screen_and_every_line_of_help_fits_one()
    {
        using var tool = new Tool();
        var root = (await tool.RunAsync("--help")).Output.ReplaceLineEndings("\n");
        Assert.InRange(root.Split('\n').Length, 10, 30);
        Assert.DoesNotContain("train-checkpointing", root, StringComparison.Ordinal);
        Assert.Contains("train-checkpointing", (await tool.RunAsync("bench", "--help")).Output, StringComparison.Ordinal);
        foreach (var command in (string[][])[[], ["generate"], ["score"], ["score", "merge"], ["evaluate"], ["evaluate", "merge"], ["train"], ["train", "plot"], ["annotate"], ["draw", "pose"], ["models"], ["bench"], ["doctor"]])
        {
            var help = (await tool.RunAsync([.. command, "--help"])).Output.ReplaceLineEndings("\n");
            Assert.All(help.Split('\n'), line => Assert.InRange(line.Length, 0, 100));
        }
    }
}
