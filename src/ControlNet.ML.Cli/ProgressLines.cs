using System.Globalization;

namespace ControlNet.ML.Cli;

/// <summary>
/// Progress as plain lines, for logs of jobs that run for hours: one every 30 seconds in short runs, one every hundredth of the run in
/// longer ones, but at least one in five minutes. Work that ends sooner writes none.
/// </summary>
/// <param name="terminal">Where the lines go, and the clock.</param>
/// <param name="detail">Text to write after a title, instead of the amount done; empty for none.</param>
internal sealed class ProgressLines(Terminal terminal, Func<string, string>? detail)
{
    private const double LinesInRun = 100;
    private const double LongestSeconds = 1e9;
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly long _begin = terminal.Clock.GetTimestamp();
    private string? _title;
    private double _first;
    private TimeSpan _start;
    private TimeSpan _last;

    /// <summary>Reports progress, and writes a line if it is time for one.</summary>
    /// <param name="title">What is being done.</param>
    /// <param name="done">The amount done.</param>
    /// <param name="total">The total amount.</param>
    public void Show(string title, double done, double total)
    {
        lock (_gate)
        {
            var now = terminal.Clock.GetElapsedTime(_begin);
            if (title != _title)
                (_title, _first, _start) = (title, done, now);

            // A resumed run starts in the middle: only what this process did tells how fast it is.
            TimeSpan? left = done > _first && done <= total
                ? TimeSpan.FromSeconds(Math.Min((now - _start).TotalSeconds * (total - done) / (done - _first), LongestSeconds))
                : null;
            var interval = left is { } rest ? (now - _start + rest) / LinesInRun : Shortest;
            if (now - _last < (interval < Shortest ? Shortest : interval > Longest ? Longest : interval))
                return;
            _last = now;
            terminal.Say(Line(title, done / Math.Max(total, double.Epsilon), left));
        }
    }

    private string Line(string title, double share, TimeSpan? left)
    {
        var percent = string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(share * 100):f0} %");
        var text = detail?.Invoke(title) is { Length: > 0 } own ? $"{own}, {percent}" : percent;
        return $"{title}: {text}{(left is { } time ? $", {Duration(time)} left" : "")}";
    }

    /// <summary>The two largest units: <c>2 d 3 h</c>, <c>1 h 5 min</c>, <c>3 min 20 s</c>.</summary>
    public static string Duration(TimeSpan time)
    {
        time = TimeSpan.FromSeconds(Math.Ceiling(time.TotalSeconds));
        return time.TotalDays >= 1 ? Of(time.Days, "d", time.Hours, "h")
            : time.TotalHours >= 1 ? Of(time.Hours, "h", time.Minutes, "min")
            : time.TotalMinutes >= 1 ? Of(time.Minutes, "min", time.Seconds, "s")
            : $"{time.Seconds} s";

        static string Of(int large, string unit, int small, string part) =>
            small == 0 ? $"{large} {unit}" : $"{large} {unit} {small} {part}";
    }
}
