namespace ControlNet.ML.Cli.Tests;

/// <summary>Whatever is wrong gets one clear message and its exit code, and leaves nothing behind.</summary>
public sealed class BadInputTests
{
    public static TheoryData<int, string, string[]> Cases()
    {
        string[] generate = ["generate", "x", "--steps", "1"];
        string[] controlled = [.. generate, "--photo", Tool.Photo];
        string[] other = [.. controlled, "--preprocess", "canny", "--control"];
        return new()
        {
            { 1, "No model '/nowhere'", [.. generate, "--model", "/nowhere"] },
            { 1, "Did you mean 'emoji'?", [.. generate, "--model", "emojy"] },
            { 1, "Did you mean 'emoji/canny'?", [.. controlled, "--control", "emoji/cany"] },
            { 1, "of another family", [.. other, Fixtures.Path("models", "sd1-control-a")] },
            { 1, "truncated.safetensors", [.. other, Fixtures.Path("weights", "broken", "safetensors", "truncated.safetensors")] },
            { 1, "is not an image", [.. generate, "--photo", Path.Combine(Fixtures.Checkout, "README.md")] },
            { 1, "there is no such file", [.. generate, "--photo", "missing.png"] },
            { 2, "expected a multiple of 8", [.. generate, "--size", "100"] },
            { 2, "expected a multiple of 8", [.. generate, "--size", "128x99"] },
            { 2, "Steps is 0", ["generate", "x", "--steps", "0"] },
            { 2, "Steps is 5000", ["generate", "x", "--steps", "5000"] },
            { 2, "Guidance is NaN", [.. generate, "--guidance", "NaN"] },
            { 2, "Unknown scheduler 'eulr'. Did you mean 'euler'?", [.. generate, "--scheduler", "eulr"] },
            { 1, "does not exist: create it first", [.. generate, "--output", "no/such/folder/x.png"] },
            { 2, "extension '.txt'", [.. generate, "--output", "x.txt"] },
            { 2, "--count is 0", [.. generate, "--count", "0"] },
            { 2, "The option Low of 'canny' is -5, expected at least 0", [.. controlled, "--low", "-5"] },
            { 2, "There is no condition 'cany'", ["annotate", Tool.Photo, "--as", "cany"] },
            { 1, "the model is incomplete", ["models", "."] },
            { 2, "The argument 'prompt' of 'generate' is missing", ["generate"] },
            { 2, "Unknown command 'frobnicate'.", ["frobnicate"] },
            { 2, "Unknown command 'genrate'. Did you mean 'generate'?", ["genrate", "x", "--steps", "5"] },
            { 2, "--steps is 'abc', expected a whole number.", ["generate", "x", "--steps", "abc"] },
            { 2, "--size and --height both give the size", [.. generate, "--size", "64", "--height", "64"] },
            { 2, "width is 100, expected a multiple of 8", [.. generate, "--width", "100"] },
            { 2, "Guidance rescale is 2, expected 0 to 1", [.. generate, "--guidance-rescale", "2"] },
            { 2, "'deep=3' is no approximation", [.. generate, "--approximate", "deep=3"] },
            { 2, "Eta is -1, expected 0 to 1", [.. generate, "--eta", "-1"] },
            { 2, "takes no option Eta", [.. generate, "--eta", "0.5", "--scheduler", "Euler a"] },
            { 2, "Clip skip is -1, expected 0 or more", [.. generate, "--clip-skip", "-1"] },
            { 2, "Clip skip is 99, expected at most 4", [.. generate, "--clip-skip", "99"] },
            { 2, "or random.", [.. generate, "--seed", "tuesday"] },
            { 2, "--device is 'gpu', expected cpu, cuda or cuda:N", [.. generate, "--device", "gpu"] },
            { 2, "or with ONNX graphs cpu, cuda, tensorrt, directml, openvino or coreml", [.. generate, "--device", "gpu"] },
            { 2, "Device 'directml' is unknown to the runtime torch, expected cpu, cuda or cuda:N", [.. generate, "--device", "directml", "--backend", "torch"] },
            { 2, "Device 'cuda,cpu' is unknown to the runtime torch", [.. generate, "--device", "cuda,cpu"] },
            { 2, "no execution provider 'gpu'", [.. generate, "--device", "cpu,gpu", "--backend", "onnx"] },
            { 2, "--device is for the onnx benchmarks", ["bench", "step", "--device", "cuda"] },
            { 2, "--kernels is for the step benchmarks", ["bench", "canny", "--kernels", "measured"] },
            { 2, "--kernels is 'fastest'. Expected measured or plain", ["generate", "x", "--kernels", "fastest", "--output", "x.png"] },
            { 2, "--kernels is for images that models generate", ["compare", "a.png", "b.png", "--kernels", "measured"] },
            { 2, "--repeats is 0, expected 1 to 1,000", ["bench", "--repeats", "0"] },
            { 2, "The features benchmark needs --features", ["bench", "features"] },
            { 2, "--features is for the features benchmark", ["bench", "step", "--features", "x.onnx"] },
            { 2, "--batch-size is 0, expected 1 to 256", ["score", Path.Combine(Fixtures.Checkout, "README.md"), "--output", "run", "--batch-size", "0"] },
            { 2, "Unknown encoding 'utf-99'", ["score", "t.csv", "--output", "run", "--encoding", "utf-99"] },
            { 2, "'scribble' has no option 'treshold'. Did you mean 'threshold'?", [.. controlled, "--preprocess", "scribble", "--set", "treshold=9"] },
            { 2, "The option Threshold of 'scribble' is 300, expected 0 to 255", [.. controlled, "--preprocess", "scribble", "--set", "threshold=300"] },
            { 2, "expected a folder: 'x.png/'", ["annotate", Tool.Photo, Path.Combine(Fixtures.Checkout, "docs", "images", "apple-to-fruit.png"), "-o", "x.png"] },
            { 2, "--size is 'big', expected N or WIDTHxHEIGHT", [.. generate, "--size", "big"] },
            { 2, "both give the condition, expected one of them", [.. controlled, "--condition", Tool.Photo] },
            { 2, "both scale the residuals, expected one of them", [.. controlled, "--guess", "--weighting", "resolution"] },
            { 2, "name another file", [.. controlled, "--output", Tool.Photo] },
            { 2, "needs a photo or a condition, expected --photo or --condition", [.. generate, "--control", "emoji/canny"] },
            { 2, "expected 0 <= start <= end <= 1", [.. controlled, "--control", "emoji/canny:1:0.5-0.2"] },
            { 2, "expected one image for all of them", [.. controlled, "--photo", Tool.Photo, "--control", "emoji/canny"] },
            { 2, "does not contain the kind of condition", [.. controlled, "--control", Fixtures.Path("models", "sd1-control-a")] },
            { 2, "The photo argument is missing", ["annotate"] },
            { 2, "--strength needs --image", [.. generate, "--strength", "0.5"] },
            { 2, "--mask needs --image", [.. generate, "--mask", Tool.Photo] },
            { 2, "--depth needs --image", [.. generate, "--depth", Tool.Photo] },
            { 2, "would overwrite the image to start from", [.. generate, "--image", Tool.Photo, "--output", Tool.Photo] },
            { 2, "Strength is 1.5, expected 0 to 1", [.. generate, "--image", Tool.Photo, "--strength", "1.5"] },
            { 2, "leaves none of the 1 timesteps", [.. generate, "--image", Tool.Photo, "--strength", "0.5"] },
            { 1, "has no depth input", [.. generate, "--image", Tool.Photo, "--depth", Tool.Photo] },
            { 1, "and the image 128x128, expected the same size", [.. generate, "--image", Tool.Photo, "--mask", Path.Combine(Fixtures.Checkout, "docs", "images", "apple-to-fruit.png")] },
            { 1, "needs the same aspect ratio in both", [.. generate, "--image", Tool.Photo, "--depth", Tool.Photo, "--size", "128x64"] },
        };
    }

    [Fact]
    public async Task The_help_of_a_subcommand_names_its_own_arguments_only()
    {
        using var tool = new Tool();
        var answer = await tool.RunAsync("score", "merge", "--help");
        Assert.Equal(App.Success, answer.Code);
        Assert.Contains("score merge <folder>", answer.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("<table>", answer.Output, StringComparison.Ordinal);
        Assert.Contains("score <table>", (await tool.RunAsync("score", "--help")).Output, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Cases))]
    public async Task One_message_an_exit_code_and_no_file(int code, string message, string[] args)
    {
        using var tool = new Tool();

        var answer = await tool.RunAsync(args);

        Assert.Equal(code, answer.Code);
        Assert.Contains(message, answer.Error);
        Assert.StartsWith("error: ", answer.Error);
        Assert.DoesNotContain("   at ", answer.Error);
        Assert.Empty(answer.Output);
        Assert.Empty(tool.Files);
    }

    [Fact]
    public async Task Verbose_adds_the_stack_trace()
    {
        using var tool = new Tool();
        Assert.Contains("   at ", (await tool.RunAsync("generate", "x", "--model", "/nowhere", "--verbose")).Error);
    }

    [Fact]
    public async Task A_prompt_of_ten_thousand_characters_is_used_whole_or_cut_and_the_rest_is_named()
    {
        using var tool = new Tool();
        string[] command = ["generate", string.Concat(Enumerable.Repeat("apple tree ", 910)), "--steps", "1", "--size", "32", "--output", "long.png"];

        var whole = await tool.RunAsync(command);
        Assert.Equal((0, ""), (whole.Code, whole.Error));

        var answer = await tool.RunAsync([.. command, "--long-prompts", "truncate"]);
        Assert.Equal(0, answer.Code);
        Assert.StartsWith("warning: The prompt is longer than", answer.Error);
        Assert.Contains("tree apple", answer.Error);
        Assert.Equal(["long.png"], tool.Files);

        command[1] = string.Concat(Enumerable.Repeat("apple tree ", 2000));
        var file = await tool.RunAsync(command);
        Assert.Equal(1, file.Code);
        Assert.Contains("has 134 windows of 30 tokens, expected at most 100.", file.Error);
    }

    [Fact]
    public async Task A_cancelled_run_leaves_nothing()
    {
        using var tool = new Tool();
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(400));

        var answer = await tool.RunAsync(source.Token, "generate", "x", "--steps", "1000", "--output", "x.png");

        Assert.Equal(130, answer.Code);
        Assert.Contains("cancelled", answer.Error);
        Assert.Empty(tool.Files);
    }

    [Theory, InlineData("2147483647x16"), InlineData("65535x65535"), InlineData("0x16")]
    public async Task A_size_that_no_memory_holds_is_refused_by_name(string size)
    {
        using var tool = new Tool();
        var answer = await tool.RunAsync("annotate", Tool.Photo, "--as", "canny", "--size", size, "--fit", "fill");
        Assert.Equal(App.Misused, answer.Code);
        Assert.Contains($"The size is {size}, expected at least 1x1", answer.Error, StringComparison.Ordinal);
    }
}
