using System.Diagnostics;

namespace ControlNet.ML.Cli.Tests;

/// <summary>Pipes, devices and folders where a file is expected are refused by name, and nobody waits for someone to write.</summary>
public sealed class SpecialFileTests : IDisposable
{
    /// <summary>So long only if the tool waits at the pipe, and then for ever.</summary>
    private static readonly TimeSpan Waiting = TimeSpan.FromMinutes(2);

    private readonly Tool _tool = new();

    /// <summary>Commands that open X, which lies in the current folder.</summary>
    public static TheoryData<string, string[]> Commands() => new()
    {
        { "X.png", ["annotate", "X.png"] },
        { "X.png", ["generate", "x", "--photo", "X.png", "--output", "y.png"] },
        { "X.png", ["generate", "x", "--image", "X.png", "--output", "y.png"] },
        { "X.png", ["generate", "x", "--condition", "X.png", "--control", "emoji/canny", "--output", "y.png"] },
        { "X.safetensors", ["generate", "x", "--photo", Tool.Photo, "--preprocess", "canny", "--control", "X.safetensors", "--output", "y.png"] },
        { "X.safetensors", ["models", "X.safetensors"] },
        { "X.onnx", ["annotate", Tool.Photo, "--as", "depth_midas", "--set", "model=X.onnx"] },
        { "X.json", ["draw", "pose", "X.json"] },
        { "X.json", ["draw", "segmentation", "X.json"] },
        { "X.npy", ["draw", "depth", "X.npy"] },
        { "X.csv", ["score", "X.csv", "--output", "out"] },
        { "X.parquet", ["score", "X.parquet", "--output", "out"] },
        { "out/run.json", ["score", "merge", "out"] },
        { "data/metadata.jsonl", ["train", "data", "--output", "run"] },
        { "model/model_index.json", ["models", "model"] },
        { "model/unet/config.json", ["models", "model"] },
        { "model/unet/diffusion_pytorch_model.safetensors", ["models", "model"] },
        { "model/scheduler/scheduler_config.json", ["models", "model"] },
        { "model/tokenizer/vocab.json", ["models", "model"] },
        { "model/tokenizer/merges.txt", ["models", "model"] },
        { "model/tokenizer/tokenizer_config.json", ["models", "model"] },
    };

    [Theory, MemberData(nameof(Commands))]
    public async Task A_pipe_is_refused(string name, string[] arguments)
    {
        if (OperatingSystem.IsWindows())
            return;
        Prepare(name);
        using (var made = Process.Start("mkfifo", name))
            await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        await Refused(name, "it is a pipe, a socket or a device", arguments);
    }

    [Theory, MemberData(nameof(Commands))]
    public async Task A_device_is_refused(string name, string[] arguments)
    {
        if (OperatingSystem.IsWindows())
            return;
        Prepare(name);
        File.CreateSymbolicLink(name, "/dev/zero");
        await Refused(name, "it is a pipe, a socket or a device", arguments);
    }

    [Theory]
    [InlineData("draw", "pose", "X")]
    [InlineData("draw", "depth", "X")]
    [InlineData("score", "X", "--output", "out")]
    public async Task A_folder_is_refused(params string[] arguments)
    {
        Directory.CreateDirectory("X.csv");
        await Refused("X.csv", "it is a folder, expected a file", [.. arguments.Select(argument => argument == "X" ? "X.csv" : argument)]);
    }

    [Fact]
    public async Task A_pipe_that_a_tables_row_names_fails_the_row()
    {
        if (OperatingSystem.IsWindows())
            return;
        using (var made = Process.Start("mkfifo", "p.png"))
            await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        File.WriteAllText("t.csv", "prompt,photo\nx,p.png\n");
        var answer = await _tool.RunAsync("score", "t.csv", "--output", "out", "--dry-run").WaitAsync(Waiting, TestContext.Current.CancellationToken);
        Assert.Equal(App.SomeFailed, answer.Code);
        Assert.Contains("row 0, column 'photo': ", answer.Error, StringComparison.Ordinal);
        Assert.Contains("it is a pipe, a socket or a device", answer.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _tool.Dispose();

    /// <summary>What has to be there besides, so that the file is opened.</summary>
    private static void Prepare(string name)
    {
        if (Path.GetDirectoryName(name) is { Length: > 0 } folder)
            Directory.CreateDirectory(folder);
        if (!name.StartsWith("model/", StringComparison.Ordinal))
            return;
        foreach (var file in Directory.EnumerateFiles(Fixtures.Path("models", "sd1"), "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine("model", Path.GetRelativePath(Fixtures.Path("models", "sd1"), file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        File.Delete(name);
    }

    private async Task Refused(string name, string why, string[] arguments)
    {
        var answer = await _tool.RunAsync(arguments).WaitAsync(Waiting, TestContext.Current.CancellationToken);
        Assert.Equal((App.Failed, ""), (answer.Code, answer.Output));
        Assert.StartsWith("error: ", answer.Error, StringComparison.Ordinal);
        Assert.Contains(Path.GetFileName(name), answer.Error, StringComparison.Ordinal);
        Assert.Contains(why, answer.Error, StringComparison.Ordinal);
    }
}
