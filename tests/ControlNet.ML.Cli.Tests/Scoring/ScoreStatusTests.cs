using System.Text.Json;
using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Tests.Scoring;

/// <summary>What <c>score status</c> says of a run, while it is scored and afterwards.</summary>
public sealed class ScoreStatusTests
{
    private const string Rows = "prompt,width\na,16\nb,16\nc,wide\nd,16\ne,16\nf,16\ng,16\n";

    [Fact]
    public async Task Shards_are_waiting_working_stopped_or_done()
    {
        using var folder = new ScoreFolder(Rows);
        var now = DateTimeOffset.UnixEpoch.AddDays(20_000);
        foreach (var index in new[] { 0, 1, 2 })
            await folder.RunAsync(settings => settings with { Shard = new Shard(index, 4) });

        // Shard 0 keeps one of two rows, shard 1 too; both took 2 s for it.
        Keep(0, now.AddSeconds(-30));
        Keep(1, now.AddSeconds(-90));
        var report = ScoreStatus.Read(folder.Out, new At(now), default);

        Assert.Equal((7, 4, 1, 0.5, 6.0), (report.Rows, report.Done, report.Failed, report.RowsPerSecond, report.SecondsLeft));
        Assert.Equal(
            [
                new ShardStatus(0, 2, 1, 0, "working", 0.5, 30), new ShardStatus(1, 2, 1, 0, "stopped", 0, 90),
                report.Shards[2] with { Done = 2, Failed = 1, State = "done", RowsPerSecond = 0 }, new ShardStatus(3, 1, 0, 0, "waiting", 0, null),
            ],
            report.Shards);

        void Keep(int shard, DateTimeOffset last)
        {
            var file = Path.Combine(folder.Out, $"journal-000{shard}-of-0004.jsonl");
            var entry = JournalEntry.Parse(System.Text.Encoding.UTF8.GetBytes(File.ReadLines(file).First()))!;
            File.WriteAllBytes(file, [.. (entry with { Seconds = 2 }).ToLine(), .. "{\"row\":"u8]);
            File.SetLastWriteTimeUtc(file, last.UtcDateTime);
        }
    }

    [Fact]
    public async Task A_shard_whose_batches_take_long_has_not_stopped_nor_one_without_a_row()
    {
        using var folder = new ScoreFolder(Rows);
        var now = DateTimeOffset.UnixEpoch.AddDays(20_000);
        await folder.RunAsync();
        var file = Path.Combine(folder.Out, "journal.jsonl");
        var entry = JournalEntry.Parse(System.Text.Encoding.UTF8.GetBytes(File.ReadLines(file).First()))! with { Seconds = 10 };
        State("working", 3, 150);
        State("stopped", 3, 250);
        State("working", 15, 250, rows: 40);
        State("stopped", 15, 350, rows: 40);
        State("begun", 0, 4000);

        void State(string expected, int done, int age, int rows = 7)
        {
            File.WriteAllText(Path.Combine(folder.Out, "run.json"), JsonSerializer.Serialize(ScoringRecord.ReadIn(folder.Out) with { Rows = rows }, Json.Options));
            File.WriteAllBytes(file, [.. Enumerable.Range(0, done).SelectMany(row => (entry with { Row = row }).ToLine())]);
            File.SetLastWriteTimeUtc(file, now.AddSeconds(-age).UtcDateTime);
            Assert.Equal(expected, ScoreStatus.Read(folder.Out, new At(now), default).Shards[0].State);
        }
    }

    [Fact]
    public async Task It_is_shown_while_the_run_writes()
    {
        using var tool = new Tool();
        using var folder = new ScoreFolder(Rows);
        Answer? during = null;
        folder.Backend.Decoding = image =>
        {
            if (image == 3)
                during = tool.RunAsync("score", "status", folder.Out).GetAwaiter().GetResult();
        };
        await folder.RunAsync();
        Assert.Equal(App.Success, during!.Code);
        Assert.Matches("^[34] of 7 rows, 1 failed, [0-9.]+ rows/s, .+ left\n  shard 0: [34] of 7 rows, 1 failed, working, last row .+ ago\n$", during.Output.ReplaceLineEndings("\n"));

        var after = await tool.RunAsync("score", "status", folder.Out);
        Assert.Equal("7 of 7 rows, 1 failed", after.Output.Trim());
        using var json = JsonDocument.Parse((await tool.RunAsync("score", "status", folder.Out, "--json")).Output);
        Assert.Equal("done", json.RootElement.GetProperty("shards")[0].GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_folder_of_no_run_is_an_error()
    {
        using var tool = new Tool();
        var answer = await tool.RunAsync("score", "status", tool.Folder);
        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains("has no run.json, expected the --output folder of 'controlnet score'", answer.Error, StringComparison.Ordinal);
    }

    private sealed class At(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
