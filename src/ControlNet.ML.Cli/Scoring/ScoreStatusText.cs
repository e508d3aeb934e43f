using System.Globalization;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>The status of a run as lines: all rows, then the shards that are not done.</summary>
internal static class ScoreStatusText
{
    // A run may have thousands of shards; --json has all.
    private const int MostShards = 50;

    public static void Print(Terminal terminal, ScoreReport report)
    {
        var speed = report.RowsPerSecond > 0
            ? string.Create(CultureInfo.InvariantCulture, $", {report.RowsPerSecond:0.00} rows/s")
            : "";
        var left = report.SecondsLeft is { } seconds ? $", {ProgressLines.Duration(TimeSpan.FromSeconds(seconds))} left" : "";
        terminal.Result(string.Create(
            CultureInfo.InvariantCulture, $"{report.Done:N0} of {report.Rows:N0} rows, {report.Failed:N0} failed{speed}{left}"));
        if (report.Shards.Count > 1)
        {
            var counts = report.Shards.CountBy(shard => shard.State).Select(state => $"{state.Value:N0} {state.Key}");
            terminal.Result($"{report.Shards.Count:N0} shards: {string.Join(", ", counts)}");
        }

        var open = report.Shards.Where(shard => shard.State != "done").ToList();
        foreach (var shard in open.Take(MostShards))
        {
            var last = shard.SecondsSinceLastRow is { } age ? $", last row {ProgressLines.Duration(TimeSpan.FromSeconds(age))} ago" : "";
            terminal.Result(string.Create(
                CultureInfo.InvariantCulture,
                $"  shard {shard.Shard}: {shard.Done:N0} of {shard.Rows:N0} rows, {shard.Failed:N0} failed, {shard.State}{last}"));
        }

        if (open.Count > MostShards)
            terminal.Result($"  and {open.Count - MostShards:N0} more");
    }
}
