namespace ControlNet.ML.Cli.Scoring;

/// <summary>The results of a finished run or shard: the journal's lines in the order of the table, with the columns that are carried through.</summary>
internal static class Results
{
    /// <summary>Writes them, whole or not at all.</summary>
    /// <exception cref="ControlNetException">A row is not finished, or the file cannot be written.</exception>
    public static void Write(ScorePlan plan, ScoringFolder folder, CancellationToken cancellationToken)
    {
        using var stream = new FileStream(folder.Journal, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var source = new FileStream(folder.Journal, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var lines = JournalLines.Read(stream, folder.Journal).GetEnumerator();
        var carried = plan.Columns.Carried;

        // The journal is in the order of the table but for the rows that are made together, so hardly any line waits here.
        Dictionary<long, (long Offset, int Length)> ahead = [];
        AtomicFile.Write(folder.Results(plan.Settings.Format), target =>
        {
            using var writer = ResultWriter.Create(
                plan.Settings.Format, target, [.. ResultColumns.Fields, .. carried.Select(plan.Table.Field)], RowsInGroup(plan.Settings.Shard.Count));
            foreach (var row in plan.Table.Read(carried).Where(row => plan.Settings.Shard.Has(row.Number)))
            {
                cancellationToken.ThrowIfCancellationRequested();
                writer.Write([.. ResultColumns.Values(Entry(row.Number)), .. row.Values]);
            }

            writer.Finish();
        });

        JournalEntry Entry(long row)
        {
            (long Offset, int Length) place;
            while (!ahead.Remove(row, out place))
            {
                if (!lines.MoveNext())
                    throw new ControlNetException($"{folder.Journal}: row {row} is not there.");
                var line = lines.Current;
                if (line.Entry.Row == row)
                    return line.Entry;
                ahead.Add(line.Entry.Row, (line.Offset, line.Length));
            }

            var bytes = new byte[place.Length - 1];
            source.Position = place.Offset;
            source.ReadExactly(bytes);
            return JournalEntry.Parse(bytes)!;
        }
    }

    /// <summary>Fewer where many shards are merged later, of each of which one group is in memory then.</summary>
    public static int RowsInGroup(int shards) => Math.Clamp(8192 / shards, 64, 2048);
}
