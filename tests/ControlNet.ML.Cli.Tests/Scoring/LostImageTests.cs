using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Tests.Scoring;

/// <summary>Images that are gone or damaged since they were written are made again.</summary>
public sealed class LostImageTests
{
    private const string Rows = "prompt,photo\na,0.png\nb,1.png\nc,missing.png\nd,2.png\n";

    [Theory]
    [InlineData("deleted", false)]
    [InlineData("emptied", false)]
    [InlineData("cut", false)]
    [InlineData("changed", true)]
    public async Task The_next_call_makes_them_again(string damage, bool verify)
    {
        using var folder = new ScoreFolder(Rows);
        await folder.RunAsync(settings => settings with { Batch = 2 });
        var before = ScoreFolder.Results(Path.Combine(folder.Out, "results.csv"));
        var file = Path.Combine(folder.Out, ScoringFolder.ImageName(1));
        var good = File.ReadAllBytes(file);
        switch (damage)
        {
            case "deleted":
                File.Delete(file);
                break;
            case "changed":
                File.WriteAllBytes(file, [.. good[..^1], (byte)(good[^1] ^ 1)]);
                break;
            default:
                File.WriteAllBytes(file, damage == "cut" ? good[..^5] : []);
                break;
        }

        var answer = await folder.RunAsync(settings => settings with { Batch = 2, Verify = verify });

        Assert.Equal(App.SomeFailed, answer.Code);
        Assert.Contains("1 images of an earlier call are missing or damaged", answer.Error, StringComparison.Ordinal);
        Assert.Equal(good, File.ReadAllBytes(file));
        Assert.Equal(before, ScoreFolder.Results(Path.Combine(folder.Out, "results.csv")));

        // Whole again, nothing is made any more.
        var made = folder.Backend.Rows;
        Assert.DoesNotContain("missing or damaged", (await folder.RunAsync(settings => settings with { Batch = 2, Verify = true })).Error, StringComparison.Ordinal);
        Assert.Equal(made, folder.Backend.Rows);
    }

    [Fact]
    public async Task A_journal_that_says_no_lengths_is_believed_where_there_is_something()
    {
        using var folder = new ScoreFolder(Rows);
        await folder.RunAsync();
        var journal = Path.Combine(folder.Out, "journal.jsonl");
        File.WriteAllText(journal, System.Text.RegularExpressions.Regex.Replace(File.ReadAllText(journal), ",\"bytes\":\\d+,\"sha256\":\"[0-9a-f]+\"", ""));
        Assert.DoesNotContain("sha256\":\"", string.Concat(File.ReadLines(journal).Select(line => line[^90..])), StringComparison.Ordinal);
        var made = folder.Backend.Rows;
        await folder.RunAsync(settings => settings with { Verify = true });
        Assert.Equal(made, folder.Backend.Rows);
    }
}
