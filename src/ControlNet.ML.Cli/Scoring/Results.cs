using System.Text;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>The results of a finished run or shard: the journal's entries in table order, with the table's columns.</summary>
internal static class Results
{
    /// <summary>Writes the results atomically.</summary>
    /// <exception cref="ControlNetException">A row is not finished, or the file cannot be written.</exception>
    public static void Write(ScorePlan plan, ScoringFolder folder, CancellationToken cancellationToken)
    {
        using var stream = new FileStream(folder.Journal, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var source = new FileStream(folder.Journal, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var lines = JournalLines.Read(stream, folder.Journal).GetEnumerator();
        var (known, copied) = (plan.Columns.Known, plan.Columns.Copied);

        // The journal is in table order except within batches, so few lines wait here.
        Dictionary<long, (long Offset, int Length)> ahead = [];
        AtomicFile.Write(folder.Results(plan.Settings.Format), target =>
        {
            using var writer = ResultWriter.Create(
                plan.Settings.Format, target, [.. ResultColumns.Fields, .. copied.Select(Field)],
                RowsInGroup(plan.Settings.Shard.Count));
            foreach (var row in plan.Table.Read([.. known, .. copied]).Where(row => plan.Settings.Shard.Has(row.Number)))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var prompt = plan.Columns.Text(row, "prompt") ?? plan.Settings.Prompt;
                writer.Write([.. ResultColumns.Values(Entry(row.Number), prompt), .. copied.Select((column, i) =>
                    Value(column, row.Values[known.Count + i]))]);
            }

            writer.Finish();
        });

        // Text of a setting may be bytes without an annotation, which have been checked to be UTF-8.
        bool IsText(int column) => known.Contains(column) && plan.Table.Columns[column].Type == typeof(byte[]);
        DataField Field(int column) => IsText(column)
            ? new DataField(plan.Table.Columns[column].Name, typeof(string), isNullable: true)
            : plan.Table.Field(column);
        object? Value(int column, object? value) =>
            value is byte[] bytes && IsText(column) ? Encoding.UTF8.GetString(bytes) : value;

        JournalEntry Entry(long row)
        {
            (long Offset, int Length) place;
            while (!ahead.Remove(row, out place))
            {
                if (!lines.MoveNext())
                    throw new ControlNetException($"{folder.Journal}: row {row} is missing.");
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

    /// <summary>Rows in a row group: fewer if there are many shards, since a merge holds one group of each in memory.</summary>
    public static int RowsInGroup(int shards) => Math.Clamp(8192 / shards, 64, 2048);
}
