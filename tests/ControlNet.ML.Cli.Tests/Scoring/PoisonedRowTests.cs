using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests.Scoring;

/// <summary>A row that comes to no number fails alone, wherever it stands and however often the run was begun; networks that give none stop the run.</summary>
public sealed class PoisonedRowTests
{
    private const string Head = "prompt,photo,scale\n", Good = "a,0.png,0.5\n", Poison = "b,0.png,1e39\n";

    [Theory]
    [InlineData(1, false), InlineData(4, false), InlineData(1, true), InlineData(4, true)]
    public async Task The_row_fails_alone_also_as_the_first(int batch, bool first)
    {
        using var folder = new ScoreFolder(Head + (first ? Poison + Good + Good + Good : Good + Good + Good + Poison));
        var row = first ? 0 : 3;

        Check(await folder.RunAsync(settings => settings with { Batch = batch }));
        Check(await folder.RunAsync(settings => settings with { Batch = batch }));
        Check(await folder.RunAsync(settings => settings with { Batch = batch, RetryFailed = true }));

        void Check(Answer answer)
        {
            Assert.Equal(App.SomeFailed, answer.Code);
            Assert.Contains($"row {row}, ", answer.Error, StringComparison.Ordinal);
            var results = ScoreFolder.Results(Path.Combine(folder.Out, "results.csv"))[1..];
            Assert.Equal(Enumerable.Range(0, 4).Select(i => i == row ? "false" : "true"), results.Select(result => result[1]));
            Assert.Contains("not finite", results[row][4], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_table_or_shard_of_nothing_else_is_finished_too()
    {
        using var folder = new ScoreFolder(Head + Good + Poison + Good + Poison);

        var answer = await folder.RunAsync(settings => settings with { Shard = new Shard(1, 2) });

        Assert.Equal(App.SomeFailed, answer.Code);
        Assert.Contains("2 of 2 rows failed", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_others_of_its_batch_keep_their_numbers()
    {
        // Bit for bit those of the same batch with a harmless row in its place; what the backend predicts depends on how many there are.
        using var poisoned = new ScoreFolder(Head + Good + Poison + Good);
        using var harmless = new ScoreFolder(Head + Good + Good + Good);
        await poisoned.RunAsync(settings => settings with { Batch = 3 });
        await harmless.RunAsync(settings => settings with { Batch = 3 });

        Assert.Equal([3], poisoned.Backend.Batches);
        foreach (var row in (int[])[0, 2])
            Assert.Equal(Pixels(harmless, row), Pixels(poisoned, row));

        // Interrupted when the row had failed and the last was not made: that one comes out as if nothing had happened.
        var expected = Pixels(poisoned, 2);
        var journal = Path.Combine(poisoned.Out, "journal.jsonl");
        File.WriteAllLines(journal, File.ReadAllLines(journal).Take(2));
        File.Delete(Path.Combine(poisoned.Out, ScoringFolder.ImageName(2)));
        await poisoned.RunAsync(settings => settings with { Batch = 3 });
        Assert.Equal(expected, Pixels(poisoned, 2));

        static byte[] Pixels(ScoreFolder folder, long row) => ControlNet.ML.Imaging.ImageCodec.Load(Path.Combine(folder.Out, ScoringFolder.ImageName(row))).Samples;
    }

    [Fact]
    public async Task Networks_that_give_no_numbers_stop_the_run_and_the_row_is_named()
    {
        using var folder = new ScoreFolder(Head + Good + Good);
        folder.Backend.IsBroken = true;

        var answer = await folder.RunAsync();

        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains("row 0: ", answer.Error, StringComparison.Ordinal);
        Assert.Contains("the weights of 'emoji' or 'emoji/canny' are damaged or too large", answer.Error, StringComparison.Ordinal);
        Assert.Equal("", File.ReadAllText(Path.Combine(folder.Out, "journal.jsonl")));

        // Repaired, the same command goes on.
        folder.Backend.IsBroken = false;
        Assert.Equal(App.Success, (await folder.RunAsync()).Code);
    }

    [Fact]
    public async Task A_row_that_no_memory_can_hold_fails_alone()
    {
        Assert.SkipWhen(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes > 64L << 30, "This machine may have memory for 8192x8192.");
        using var tool = new Tool();
        File.WriteAllText("t.csv", "prompt,width,height\nfox,8192,8192\nfox,32,32\n");
        var score = await tool.RunAsync("score", "t.csv", "--output", "o", "--steps", "1", "--size", "32", "--batch-size", "2", "--format", "csv");
        Assert.Equal(App.SomeFailed, score.Code);
        var results = ScoreFolder.Results(Path.Combine("o", "results.csv"))[1..];
        Assert.Equal(["false", "true"], results.Select(row => row[1]));
        Assert.Contains("of 8192x8192 needs about", results[0][4], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_embedded_model_is_the_same_with_a_scale_that_no_network_bears()
    {
        using var tool = new Tool();
        File.WriteAllText("t.csv", $"prompt,photo,scale\nfox,{Tool.Photo},1e30\nfox,{Tool.Photo},1\n");
        var score = await tool.RunAsync("score", "t.csv", "--output", "o", "--steps", "1", "--size", "32", "--batch-size", "2", "--format", "csv");
        Assert.Equal(App.SomeFailed, score.Code);
        Assert.Equal(["false", "true"], ScoreFolder.Results(Path.Combine("o", "results.csv"))[1..].Select(row => row[1]));
    }

    [Fact]
    public async Task A_batch_that_fails_half_way_is_made_again_one_by_one_from_the_same_noise()
    {
        const string table = "prompt,seed\na,1\nb,2\nc,3\n";
        using ScoreFolder together = new(table), alone = new(table);
        together.Backend.MostTogether = 1;
        foreach (var (folder, batch) in ((ScoreFolder, int)[])[(together, 3), (alone, 1)])
        {
            var answer = await folder.RunAsync(settings => settings with { Batch = batch, Options = settings.Options with { Steps = 4, Scheduler = "euler-ancestral" } });
            Assert.Equal(App.Success, answer.Code);
        }

        Assert.Equal([1, 3], together.Backend.Batches);
        for (var row = 0; row < 3; row++)
            Assert.Equal(Pixels(alone, row), Pixels(together, row));

        static byte[] Pixels(ScoreFolder folder, int row) => ImageCodec.Load(Path.Combine(folder.Out, "pictures", $"{row:D8}.png")).Samples;
    }
}
