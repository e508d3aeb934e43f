namespace ControlNet.ML.Cli.Tests;

/// <summary>What a log of a long job says, where no terminal shows a bar.</summary>
public sealed class ProgressLinesTests : IDisposable
{
    private readonly Clock _clock = new();
    private readonly StringWriter _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public void Work_of_less_than_half_a_minute_says_nothing()
    {
        var show = Lines();
        for (var i = 0; i <= 29; i++)
            At(i, () => show("scoring", i, 29));
        Assert.Empty(Log);
    }

    [Fact]
    public void A_line_every_thirty_seconds_says_how_much_is_done_and_how_long_the_rest_takes()
    {
        var show = Lines(title => title == "training" ? "step 1, loss 0.5" : "");
        At(20, () => show("loading emoji", 0.5, 1));
        At(40, () => show("loading emoji", 0.75, 1));
        At(50, () => show("training", 100, 200));
        At(60, () => show("training", 110, 200));
        At(80, () => show("training", 130, 200));
        Assert.Equal(["loading emoji: 75 %, 20 s left", "training: step 1, loss 0.5, 65 %, 1 min 10 s left"], Log);
    }

    [Fact]
    public void What_an_earlier_call_did_does_not_count_as_this_ones_speed()
    {
        var show = Lines();
        show("scoring", 900, 1000);
        At(60, () => show("scoring", 910, 1000));
        Assert.Equal(["scoring: 91 %, 9 min left"], Log);
    }

    [Theory]
    [InlineData(1_000, 30)]
    [InlineData(10_000, 100)]
    [InlineData(1_000_000, 300)]
    public void A_longer_run_says_it_less_often(int seconds, int interval)
    {
        var show = Lines();
        for (var second = 0; second < 2_000 && second <= seconds; second++)
            At(second, () => show("training", second, seconds));
        Assert.Equal(Math.Min(seconds, 1_999) / interval, Log.Length);
    }

    [Fact]
    public void No_progress_has_no_remaining_time_and_absurd_amounts_do_no_harm()
    {
        var show = Lines();
        At(40, () => show("a", 0, 0));
        At(400, () => show("a", 1e-300, 1e300));
        At(800, () => show("a", 1e-300, 1e300));
        Assert.Equal("a: 0 %", Log[0]);
        Assert.Equal(3, Log.Length);
    }

    private string[] Log => _log.ToString().ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private Action<string, double, double> Lines(Func<string, string>? detail = null) =>
        new ProgressLines(new Terminal(TextWriter.Null, _log, null) { Clock = _clock }, detail).Show;

    private void At(double seconds, Action act)
    {
        _clock.Seconds = seconds;
        act();
    }
}

/// <summary>A clock that a test sets, or that advances whenever it is read.</summary>
internal sealed class Clock : TimeProvider
{
    public double Seconds { get; set; }

    /// <summary>Seconds by which each reading advances it.</summary>
    public double Step { get; init; }

    public override long TimestampFrequency => 1_000_000;

    public override long GetTimestamp() => (long)((Seconds += Step) * TimestampFrequency);
}
