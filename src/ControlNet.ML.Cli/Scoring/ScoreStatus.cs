namespace ControlNet.ML.Cli.Scoring;

/// <summary>
/// How far the shards of a run are, read from its folder alone while they are being scored, on this machine or others. Nothing is written
/// or locked.
/// </summary>
internal static class ScoreStatus
{
    // So many rows tell how fast a shard is now; and a shard that finishes none in as much time has stopped.
    private const int RecentRows = 20;

    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);

    /// <summary>Reads the status of a folder.</summary>
    /// <param name="folder">The folder of the run.</param>
    /// <param name="clock">The time now.</param>
    /// <param name="cancellationToken">Checked between shards.</param>
    /// <exception cref="ControlNetException">The folder holds no run, or a journal is damaged.</exception>
    public static ScoreReport Read(string folder, TimeProvider clock, CancellationToken cancellationToken)
    {
        var record = ScoringRecord.ReadIn(folder);
        List<ShardStatus> shards = [];
        for (var index = 0; index < record.Shards; index++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            shards.Add(Of(folder, record, new Shard(index, record.Shards), clock.GetUtcNow()));
        }

        var (done, rate) = (shards.Sum(shard => shard.Done), shards.Sum(shard => shard.RowsPerSecond));
        return new ScoreReport(
            record.Rows, done, shards.Sum(shard => shard.Failed), Math.Round(rate, 4),
            done < record.Rows && rate > 0 ? Math.Round((record.Rows - done) / rate, 1) : null, shards);
    }

    private static ShardStatus Of(string folder, ScoringRecord record, Shard shard, DateTimeOffset now)
    {
        var (rows, file) = (shard.RowsOf(record.Rows), ScoringFolder.JournalOf(folder, shard));
        if (!File.Exists(file))
            return new ShardStatus(shard.Index, rows, 0, 0, rows == 0 ? "done" : "waiting", 0, null);
        var (done, failed) = (0L, 0L);
        var (recent, batch) = (new Queue<double>(), 0);
        using (var stream = RegularFile.OpenShared(file, file))
        {
            foreach (var entry in JournalLines.Read(stream, file).Select(line => line.Entry))
            {
                done++;
                failed += entry.Error is null ? 0 : 1;

                // The rows of a batch are finished together, and share its time.
                batch = recent.Count > 0 && recent.Last() == entry.Seconds ? batch + 1 : 1;
                recent.Enqueue(entry.Seconds);
                if (recent.Count > RecentRows)
                    recent.Dequeue();
            }
        }

        // The clock of a file server may be ahead of this one.
        var seconds = recent.Count == 0 ? 0 : recent.Average();
        var age = Math.Max(0, (now - File.GetLastWriteTimeUtc(file)).TotalSeconds);
        var state = done >= rows ? "done"
            : done == 0 ? "begun"
            : age > Math.Max(Quiet.TotalSeconds, Math.Max(RecentRows, 2 * batch) * seconds) ? "stopped"
            : "working";
        var rate = state == "working" && seconds > 0 ? 1 / seconds : 0;
        return new ShardStatus(shard.Index, rows, done, failed, state, Math.Round(rate, 4), Math.Round(age, 1));
    }
}

/// <summary>The status of a run.</summary>
/// <param name="Rows">Rows of the table.</param>
/// <param name="Done">Rows that are finished, failed ones too.</param>
/// <param name="Failed">Rows with an error.</param>
/// <param name="RowsPerSecond">Rows per second of all shards that are being scored.</param>
/// <param name="SecondsLeft">Time until all rows are done, if the speed stays; null if nothing is left or nothing runs.</param>
/// <param name="Shards">The shards.</param>
internal sealed record ScoreReport(
    long Rows, long Done, long Failed, double RowsPerSecond, double? SecondsLeft, IReadOnlyList<ShardStatus> Shards);

/// <summary>The status of a shard.</summary>
/// <param name="Shard">Its index, from 0.</param>
/// <param name="Rows">Rows of the table that are in it.</param>
/// <param name="Done">Rows that are finished.</param>
/// <param name="Failed">Rows with an error.</param>
/// <param name="State">
/// <c>waiting</c>: not begun; <c>begun</c>: no row is finished yet; <c>working</c>; <c>stopped</c>: no row was finished for a minute and
/// the time of twenty rows, or two batches; <c>done</c>.
/// </param>
/// <param name="RowsPerSecond">Rows per second over the last rows; 0 unless it is working.</param>
/// <param name="SecondsSinceLastRow">Time since a row was last finished, by this machine's clock; null if it has not begun.</param>
internal sealed record ShardStatus(
    int Shard, long Rows, long Done, long Failed, string State, double RowsPerSecond, double? SecondsSinceLastRow);
