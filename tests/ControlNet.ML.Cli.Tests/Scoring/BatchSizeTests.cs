using System.Text.Json;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests.Scoring;

/// <summary>
/// A batch size that is measured: large where it saves time, small where it does not or memory ends, and the same when a run is resumed.
/// Steps of a stated duration stand for networks.
/// </summary>
public sealed class BatchSizeTests
{
    private static readonly GenerateOptions Few = new() { Steps = 3, Guidance = 1 };
    private static readonly string Rows = "prompt\n" + string.Concat(Enumerable.Range(0, 9).Select(i => $"{(char)('a' + i)}\n"));

    [Fact]
    public async Task It_grows_while_a_step_of_more_rows_takes_as_long()
    {
        Assert.Equal(8, await MeasuredAsync(_ => Thread.Sleep(20)));
    }

    [Fact]
    public async Task It_is_one_where_each_row_takes_as_long_as_alone()
    {
        Assert.Equal(1, await MeasuredAsync(rows => Thread.Sleep(20 * rows)));
    }

    [Fact]
    public async Task It_is_the_largest_that_fits_into_memory()
    {
        Assert.Equal(2, await MeasuredAsync(_ => Thread.Sleep(20), mostTogether: 3));
    }

    [Fact]
    public async Task A_resumed_run_has_the_size_and_the_images_of_an_undisturbed_one()
    {
        using var undisturbed = new ScoreFolder(Rows);
        using var resumed = new ScoreFolder(Rows);
        Assert.Equal(App.Success, (await undisturbed.RunAsync(settings => settings with { Batch = 4, Options = Few })).Code);

        using var stop = new CancellationTokenSource();
        (resumed.Backend.Stepping, resumed.Backend.MostTogether) = (_ => Thread.Sleep(20), 4);
        resumed.Backend.Decoding = image =>
        {
            if (image == 5)
                stop.Cancel();
        };
        Assert.Equal(App.Cancelled, (await resumed.RunAsync(settings => settings with { Batch = null, Options = Few }, cancellationToken: stop.Token)).Code);
        Assert.Equal(8, File.ReadLines(Path.Combine(resumed.Out, "journal.jsonl")).Count());

        // Another machine would now measure 1.
        resumed.Backend.Stepping = rows => Thread.Sleep(20 * rows);
        var answer = await resumed.RunAsync(settings => settings with { Batch = null, Options = Few });
        Assert.Equal(App.Success, answer.Code);
        Assert.Contains("--batch-size 4, measured when the run began.", answer.Error, StringComparison.Ordinal);
        foreach (var image in Directory.EnumerateFiles(Path.Combine(undisturbed.Out, "pictures")))
            Assert.Equal(ImageCodec.Load(image).Samples, ImageCodec.Load(Path.Combine(resumed.Out, "pictures", Path.GetFileName(image))).Samples);
    }

    [Theory]
    [InlineData("""{"batch_size":0}""", "its batch_size is 0, expected 1 to 256")]
    [InlineData("""{"batch_size":"four"}""", "does not have the expected format")]
    [InlineData("no JSON", "does not have the expected format")]
    public async Task A_damaged_record_of_it_is_an_error(string content, string says)
    {
        using var folder = new ScoreFolder(Rows);
        await folder.RunAsync(settings => settings with { Batch = null });
        var file = Path.Combine(folder.Out, "batch-size.json");
        Assert.True(File.Exists(file));
        File.WriteAllText(file, content);
        File.Delete(Path.Combine(folder.Out, "journal.jsonl"));
        var answer = await folder.RunAsync(settings => settings with { Batch = null });
        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains($"batch-size.json: {says}", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_that_cannot_be_loaded_do_not_keep_it_from_being_measured()
    {
        using var folder = new ScoreFolder("prompt,photo\na,missing.png\nb,0.png\nc,1.png\n");
        var answer = await folder.RunAsync(settings => settings with { Batch = null });
        Assert.Equal(App.SomeFailed, answer.Code);
        Assert.Equal(2, Directory.EnumerateFiles(Path.Combine(folder.Out, "pictures")).Count());
    }

    /// <summary>A failure to write reaches the user, although it happens beside the next batch, and what was finished stays.</summary>
    [Fact]
    public async Task Failures_to_write_stop_the_run()
    {
        using var folder = new ScoreFolder(Rows);
        folder.Backend.Decoding = image =>
        {
            if (image == 3)
                Directory.CreateDirectory(Path.Combine(folder.Out, "pictures", "00000003.png"));
        };
        var answer = await folder.RunAsync();
        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains("Finished rows are kept: the same command resumes the run.", answer.Error, StringComparison.Ordinal);
        Assert.True(File.ReadLines(Path.Combine(folder.Out, "journal.jsonl")).Count() is 3, "three rows are finished");
    }

    private static async Task<int> MeasuredAsync(Action<int> stepping, int mostTogether = int.MaxValue)
    {
        using var folder = new ScoreFolder(Rows);
        (folder.Backend.Stepping, folder.Backend.MostTogether) = (stepping, mostTogether);
        var answer = await folder.RunAsync(settings => settings with { Batch = null, Options = Few });
        Assert.Equal(App.Success, answer.Code);
        using var kept = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder.Out, "batch-size.json")));
        var size = kept.RootElement.GetProperty("batch_size").GetInt32();
        Assert.Contains($"--batch-size {size}, measured", answer.Error, StringComparison.Ordinal);
        return size;
    }
}
