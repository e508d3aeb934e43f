namespace ControlNet.ML.EmojiTraining.Tests;

/// <summary>The table of runs.</summary>
public sealed class ReportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Runs_are_compared_in_a_table()
    {
        var table = ReportCommand.Table([Run("copy", 0.5, 0.1), Run("lite", 1, 0.25)]).ReplaceLineEndings("\n").Split('\n');

        Assert.Equal(4, table.Length);
        Assert.EndsWith("| edge_f1 |", table[0], StringComparison.Ordinal);
        Assert.Equal("| copy | 1,200 | 1,100 | 0.5000 | 0.6000 | 20 % | 0.750 |", table[2]);
        Assert.Equal("| lite | 1,200 | 1,100 | 1.0000 | 1.2500 | 25 % | 0.750 |", table[3]);
    }

    [Fact]
    public void A_gap_that_never_opens_is_reported_and_a_run_without_evaluation_is_named()
    {
        Assert.Contains("| never |", ReportCommand.Table([Run("flat", 1, 0.01)]), StringComparison.Ordinal);
        Assert.Contains("expected the folder of a training run", Assert.Throws<ControlNetException>(() => ReportCommand.Table([_folder.Path])).Message, StringComparison.Ordinal);
        var unjudged = Run("unjudged", 1, 1);
        File.Delete(Path.Combine(unjudged, "judgement.json"));
        Assert.Contains("judgement.json: does not exist", Assert.Throws<ControlNetException>(() => ReportCommand.Table([unjudged])).Message, StringComparison.Ordinal);
    }

    /// <summary>A run whose gap opens at step 1,100.</summary>
    private string Run(string name, double loss, double gap)
    {
        Directory.CreateDirectory(_folder.File(name));
        File.WriteAllText(_folder.File(name, "run.json"), "{}");
        File.WriteAllLines(_folder.File(name, "log.jsonl"),
        [
            FormattableString.Invariant($$"""{"step":1000,"validation_loss":{{loss}},"exchanged_loss":{{loss}}}"""),
            FormattableString.Invariant($$"""{"step":1100,"validation_loss":{{loss}},"exchanged_loss":{{loss + gap}}}"""),
            FormattableString.Invariant($$"""{"step":1200,"validation_loss":{{loss}},"exchanged_loss":{{loss + gap}}}"""),
        ]);
        File.WriteAllText(_folder.File(name, "judgement.json"), """{"metric":"edge_f1","rows":20,"repeats":5,"with_control":0.75,"without_control":0.25,"autoencoder":0.95}""");
        return _folder.File(name);
    }
}
