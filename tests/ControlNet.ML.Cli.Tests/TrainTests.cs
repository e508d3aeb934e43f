using System.Text.Json;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests;

/// <summary><c>controlnet train</c> on a tiny model and a few images.</summary>
public sealed class TrainTests : IDisposable
{
    private readonly Tool _tool = new();

    public TrainTests()
    {
        Assert.SkipUnless(Fixtures.Has("models", "sd1"), $"No models in {Fixtures.Root}.");
        Directory.CreateDirectory(Path.Combine(_tool.Folder, "data"));
        for (var i = 0; i < 8; i++)
        {
            var image = new ImageBuffer(64, 64, 3);
            new Random(i).NextBytes(image.Samples);
            ImageCodec.SavePng(Path.Combine(_tool.Folder, "data", $"{i}.png"), image);
        }

        File.WriteAllLines(Path.Combine(_tool.Folder, "data", "metadata.jsonl"), Enumerable.Range(0, 8).Select(i => $"{{\"file_name\": \"{i}.png\", \"text\": \"noise\"}}"));
    }

    public void Dispose() => _tool.Dispose();

    [Fact]
    public async Task A_network_is_trained_and_its_curves_are_plotted()
    {
        var answer = await Train("--json");
        Assert.True(answer.Code == App.Success, answer.Error);
        var json = JsonDocument.Parse(answer.Output).RootElement;
        Assert.Equal(2, json.GetProperty("steps").GetInt32());
        var network = json.GetProperty("control").GetString()!;
        Assert.True(File.Exists(Path.Combine(network, "config.json")));
        Assert.Equal(Path.Combine(_tool.Folder, "run", "controlnet"), network);

        var plot = await _tool.RunAsync("train", "plot", "run");
        Assert.True(plot.Code == App.Success, plot.Error);
        Assert.Contains("<svg", await File.ReadAllTextAsync(Path.Combine(_tool.Folder, "run", "curves.svg"), TestContext.Current.CancellationToken), StringComparison.Ordinal);

        // The same command has nothing left to do; other settings are refused.
        Assert.Equal(App.Success, (await Train()).Code);
        var other = await Train("--learning-rate", "0.5");
        Assert.Equal(App.Failed, other.Code);
        Assert.Contains("LearningRate was 1E-05 and is 0.5", other.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(App.Failed, "has no condition, expected a column of conditions", "train", "data", "--output", "run", "--model", "MODEL")]
    [InlineData(App.Misused, "--set needs --preprocess", "train", "data", "--output", "run", "--set", "low=1")]
    [InlineData(App.Failed, "does not exist, expected a folder with metadata.jsonl", "train", "nothing", "--output", "run")]
    [InlineData(App.Misused, "BatchSize is 0, expected 1 to 1,024", "train", "data", "--output", "run", "--batch-size", "0", "--preprocess", "canny")]
    [InlineData(App.Misused, "did you mean 'canny'", "train", "data", "--output", "run", "--preprocess", "cany")]
    [InlineData(App.Failed, "make conditions 2 times smaller, expected 8 times", "train", "data", "--output", "run", "--preprocess", "canny", "--conditioning-embedding-out-channels", "4", "8")]
    [InlineData(App.Failed, "has no run.json, expected the folder of a training run", "train", "plot", "data")]
    [InlineData(App.Misused, "The option --output is missing", "train", "data")]
    public async Task Invalid_arguments_are_named_and_no_run_is_left(int code, string message, params string[] args)
    {
        var answer = await _tool.RunAsync([.. args.Select(arg => arg == "MODEL" ? Fixtures.Path("models", "sd1") : arg)]);
        Assert.Equal(code, answer.Code);
        Assert.Contains(message, answer.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_tool.Folder, "run")) && Directory.EnumerateFiles(Path.Combine(_tool.Folder, "run"), "run.json").Any());
    }

    [Fact]
    public async Task A_run_whose_network_does_not_follow_its_condition_says_so_at_its_end()
    {
        var metadata = Path.Combine(_tool.Folder, "data", "metadata.jsonl");
        File.AppendAllLines(metadata, await File.ReadAllLinesAsync(metadata, TestContext.Current.CancellationToken));
        var answer = await Train();
        Assert.True(answer.Code == App.Success, answer.Error);
        Assert.Contains("warning: The network does not follow its condition yet", answer.Error, StringComparison.Ordinal);
        Assert.Contains("at step 2", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_of_a_long_run_shows_step_rate_loss_and_time_left()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var clock = new Clock { Step = 40 };
        string[] args = ["train", "data", "--out", "run", "--model", Fixtures.Path("models", "sd1"), "--steps", "3", "--preprocess", "canny", "--conditioning-embedding-out-channels", "4", "4", "4", "4", "--sample-every", "0"];
        Assert.Equal(App.Success, await App.RunAsync(args, new Terminal(output, error, null) { Clock = clock }, TestContext.Current.CancellationToken));
        Assert.Matches(@"training: step 2 of 3, loss [\d.]+, learning rate 1e-05, [\d.]+ s/step, [\d.]+ GiB, 66 %, \d+ s left\n", error.ToString().ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task A_parquet_data_set_is_trained_on_and_the_same_command_resumes_the_run()
    {
        Directory.CreateDirectory(Path.Combine(_tool.Folder, "set"));
        var images = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => File.ReadAllBytesAsync(Path.Combine(_tool.Folder, "data", $"{i}.png"), TestContext.Current.CancellationToken)));
        await Training.ParquetData.WriteAsync(Path.Combine(_tool.Folder, "set", "train.parquet"), [.. images.Select((bytes, i) => ((string?)"image", (byte[]?)bytes, (string?)$"{i}.png"))], ["a", "b", "c", "d", "e", "f", "g", "h"], images);
        string[] command = ["train", "set", "--out", "run", "--model", Fixtures.Path("models", "sd1"), "--steps", "1", "--conditioning-embedding-out-channels", "4", "4", "4", "4", "--sample-every", "0"];
        foreach (var _ in Enumerable.Range(0, 2))
        {
            var answer = await _tool.RunAsync(command);
            Assert.True(answer.Code == App.Success, answer.Error);
        }

        Assert.Equal(8, Directory.GetFiles(Path.Combine(_tool.Folder, "run", "data", "images"), "*.png").Length);
    }

    private Task<Answer> Train(params string[] more) => _tool.RunAsync(
        ["train", "data", "--output", "run", "--model", Fixtures.Path("models", "sd1"), "--steps", "2", "--batch-size", "2", "--preprocess", "canny", "--conditioning-embedding-out-channels", "4", "4", "4", "4", "--sample-every", "0", .. more]);
}
