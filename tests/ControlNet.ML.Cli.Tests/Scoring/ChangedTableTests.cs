using System.Globalization;
using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Cli.Tables;

namespace ControlNet.ML.Cli.Tests.Scoring;

/// <summary>A run whose table has changed is refused in words that say how.</summary>
public sealed class ChangedTableTests
{
    private const string Before = "prompt,seed\na,1\nb,2\nc,3\n";

    [Theory]
    [InlineData("prompt,seed\na,1\nx,2\nc,3\n", "the first row that changed being row 1)")]
    [InlineData("prompt,seed\na,1\nb,2\nc,3\nd,4\n", "1 row longer, the common rows unchanged)")]
    [InlineData("prompt,seed\na,1\n", "2 rows shorter, the common rows unchanged)")]
    [InlineData("prompt,seed\nz,0\na,1\nb,2\nc,3\n", "1 row longer, the first row that changed being row 0)")]
    [InlineData("prompt\na\nb\nc\n", "without the column 'seed')")]
    [InlineData("prompt,seed,note\na,1,\nb,2,\nc,3,\n", "with the new column 'note')")]
    [InlineData("prompt,Seed\na,1\nb,2\nc,3\n", "without the column 'seed', with the new column 'Seed')")]
    [InlineData("seed,prompt\n1,a\n2,b\n3,c\n", "with its columns in another order)")]
    [InlineData("prompt,seed\n\"a\",1\r\nb,2\r\nc,3\r\n", "its rows are the same, only the file's bytes differ)")]
    [InlineData("prompt,seed\na,1\nb,\nc,3\n", "the first row that changed being row 1)")]
    public async Task What_changed_is_said(string after, string how)
    {
        using var folder = new ScoreFolder(Before);
        Assert.Equal(App.Success, (await folder.RunAsync()).Code);
        File.WriteAllText(folder.Table, after);

        foreach (var dry in new[] { false, true })
        {
            var answer = await folder.RunAsync(dry: dry);
            Assert.Equal(App.Failed, answer.Code);
            Assert.Contains("holds another run, which differs in the table (table.csv there with 3 rows", answer.Error, StringComparison.Ordinal);
            Assert.Contains(how, answer.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Of_many_rows_a_block_is_named_that_has_the_first_change()
    {
        using var folder = new TemporaryFolder();
        var before = Outline(-1);
        Assert.Equal(3, before.RowsInBlock);
        Assert.Equal("the first row that changed being one of 1,500 to 1,502", before.Difference(2500, Outline(1501), 2500));
        Assert.Equal("the first row that changed being row 2,499", before.Difference(2500, Outline(2499), 2500));

        TableOutline Outline(int changed)
        {
            var rows = string.Concat(Enumerable.Range(0, 2500).Select(row => string.Create(CultureInfo.InvariantCulture, $"{(row == changed ? "x" : "a")},{row}\n")));
            return TableOutline.Of(TableReader.Open(folder.Write("t.csv", [.. "prompt,seed\n"u8, .. System.Text.Encoding.UTF8.GetBytes(rows)])), TableOutline.BlockFor(2500), default);
        }
    }

    [Fact]
    public async Task A_run_from_before_outlines_were_recorded_still_says_that_the_table_differs()
    {
        using var folder = new ScoreFolder(Before);
        await folder.RunAsync();
        var record = ScoringRecord.Read(ScoringFolder.Record(folder.Out));
        File.WriteAllText(ScoringFolder.Record(folder.Out), System.Text.Json.JsonSerializer.Serialize(record with { Outline = null }, Json.Options));
        File.WriteAllText(folder.Table, Before + "d,4\n");
        Assert.Contains("its contents differ", (await folder.RunAsync()).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"table":"t.csv","table_sha256":"00","rows":3,"shards":1,"settings":{},"outline":{"columns":[null],"rows_in_block":1,"digests":""}}""")]
    [InlineData("""{"table":"t.csv","table_sha256":"00","rows":3,"shards":1,"settings":{},"outline":{"columns":["a"],"rows_in_block":0,"digests":""}}""")]
    [InlineData("""{"table":"t.csv","table_sha256":"00","rows":3,"shards":1,"settings":{},"outline":{}}""")]
    [InlineData("""{"table":null,"table_sha256":"00","rows":3,"shards":1,"settings":{}}""")]
    [InlineData("""{"table":"t.csv","table_sha256":"00","rows":-3,"shards":1,"settings":{}}""")]
    [InlineData("""{"table":"t.csv","table_sha256":"00","rows":3,"shards":2000000000,"settings":{}}""")]
    [InlineData("""{"table":"\ud800","table_sha256":"00","rows":3,"shards":1,"settings":{}}""")]
    [InlineData("null")]
    [InlineData("[]")]
    public void A_damaged_record_is_refused_by_its_name(string json)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("run.json", System.Text.Encoding.UTF8.GetBytes(json));
        Assert.StartsWith($"{path}: ", Assert.Throws<ControlNetException>(() => ScoringRecord.Read(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../passwd")]
    [InlineData("a\0b")]
    [InlineData("pictures/00000001.png")]
    public async Task Merging_follows_no_name_of_a_picture_but_its_own(string name)
    {
        using var folder = new ScoreFolder(Before);
        await folder.RunAsync();
        var results = Path.Combine(folder.Out, "results.csv");
        File.WriteAllText(results, File.ReadAllText(results).Replace("pictures/00000000.png", name, StringComparison.Ordinal));
        var report = Merge.Run(folder.Out, default);
        Assert.Null(report.Results);
        Assert.Contains("row 0: its image is '", Assert.Single(report.Problems), StringComparison.Ordinal);
    }
}
