using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Tests.Scoring;

public sealed class MergeTests
{
    private const string Rows = "prompt,id\na,0\nb,1\nc,2\nd,3\ne,4\nf,5\ng,6\n";

    [Theory]
    [InlineData("csv", 3)]
    [InlineData("parquet", 2)]
    [InlineData("parquet", 9)]
    public async Task Shards_give_together_what_one_run_gives(string format, int count)
    {
        using var whole = new ScoreFolder(Rows);
        using var parts = new ScoreFolder(Rows);
        await whole.RunAsync();

        for (var index = count - 1; index >= 0; index--)
            Assert.Equal(App.Success, (await parts.RunAsync(settings => settings with { Format = format, Shard = new Shard(index, count) })).Code);
        var report = Merge.Run(parts.Out, default);

        Assert.Equal((0, 7, 0), (report.Missing, report.Rows, report.Failed));
        Assert.Equal(ScoreFolder.Results(Path.Combine(whole.Out, "results.csv")), ScoreFolder.Results(report.Results!));
        Assert.All(Enumerable.Range(0, 7), row => Assert.Equal(
            File.ReadAllBytes(Path.Combine(whole.Out, ScoringFolder.ImageName(row))), File.ReadAllBytes(Path.Combine(parts.Out, ScoringFolder.ImageName(row)))));
    }

    [Fact]
    public async Task What_is_missing_is_named_and_nothing_is_joined()
    {
        using var tool = new Tool();
        using var folder = new ScoreFolder(Rows);
        foreach (var index in new[] { 0, 2 })
            await folder.RunAsync(settings => settings with { Shard = new Shard(index, 3) });

        var unfinished = await tool.RunAsync("score", "merge", folder.Out);
        Assert.Equal(App.Failed, unfinished.Code);
        Assert.Contains("shard 1 of 3 is not finished: results-0001-of-0003.csv", unfinished.Error);

        await folder.RunAsync(settings => settings with { Shard = new Shard(1, 3) });
        File.Delete(Path.Combine(folder.Out, ScoringFolder.ImageName(5)));
        var results = Path.Combine(folder.Out, "results-0000-of-0003.csv");
        File.WriteAllLines(results, File.ReadAllLines(results).Where(line => !line.StartsWith("3,", StringComparison.Ordinal)));
        File.AppendAllLines(results, [File.ReadLines(results).Last()]);
        var damaged = await tool.RunAsync("score", "merge", folder.Out);

        Assert.Equal(App.Failed, damaged.Code);
        Assert.Contains("row 5: its image pictures/00000005.png is missing", damaged.Error);
        Assert.Contains("row 3 is missing from results-0000-of-0003.csv", damaged.Error);
        Assert.Contains("row 6 is in results-0000-of-0003.csv", damaged.Error);
        Assert.False(File.Exists(Path.Combine(folder.Out, "results.csv")));
        Assert.Empty(Directory.EnumerateFiles(folder.Out, "*.part"));
    }

    [Fact]
    public async Task Another_number_of_shards_is_another_run()
    {
        using var folder = new ScoreFolder(Rows);
        await folder.RunAsync(settings => settings with { Shard = new Shard(0, 3) });
        var answer = await folder.RunAsync(settings => settings with { Shard = new Shard(0, 4) });
        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains("the number of shards (3 there, 4 here)", answer.Error);
    }
}
