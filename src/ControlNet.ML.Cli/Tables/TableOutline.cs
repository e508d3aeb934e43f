using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Tables;

/// <summary>
/// A summary of a table that lets a later call say how the table changed: its columns, and digests of at most a thousand blocks of rows.
/// </summary>
/// <param name="Columns">The column names.</param>
/// <param name="RowsInBlock">Number of rows in a block.</param>
/// <param name="Digests">Eight hexadecimal digits for each block.</param>
internal sealed record TableOutline(IReadOnlyList<string> Columns, int RowsInBlock, string Digests)
{
    private const int MostBlocks = 1000;
    private const int Digits = 8;

    /// <summary>False if it was read from a damaged file.</summary>
    [JsonIgnore]
    public bool IsSound => RowsInBlock > 0 && Columns is not null && Columns.All(name => name is not null) && Digests is not null;

    /// <summary>Reads a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="rowsInBlock">Number of rows in a block.</param>
    /// <param name="cancellationToken">Checked before each row.</param>
    public static TableOutline Of(TableReader table, int rowsInBlock, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var digests = new StringBuilder();
        var filled = 0;
        foreach (var row in table.Read([.. Enumerable.Range(0, table.Columns.Count)]))
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var value in row.Values)
            {
                // A length before each value, so that "ab" and "c" differ from "a" and "bc", and null from the empty string.
                var text = value is null ? null : Encoding.UTF8.GetBytes(ResultColumns.Text(value));
                hash.AppendData(BitConverter.GetBytes(text?.Length ?? -1));
                hash.AppendData(text ?? []);
            }

            hash.AppendData(Encoding.UTF8.GetBytes(row.Problem ?? ""));
            if (++filled == rowsInBlock)
                End();
        }

        if (filled > 0)
            End();
        return new TableOutline([.. table.Columns.Select(column => column.Name)], rowsInBlock, digests.ToString());

        void End()
        {
            digests.Append(Convert.ToHexStringLower(hash.GetHashAndReset()).AsSpan(0, Digits));
            filled = 0;
        }
    }

    /// <summary>The number of rows in a block for a table with this number of rows.</summary>
    public static int BlockFor(long rows) => (int)Math.Clamp((rows + MostBlocks - 1) / MostBlocks, 1, int.MaxValue);

    /// <summary>Describes how a table changed.</summary>
    /// <param name="rows">Its former number of rows.</param>
    /// <param name="now">The current outline, with blocks of the same size.</param>
    /// <param name="rowsNow">Its current number of rows.</param>
    public string Difference(long rows, TableOutline now, long rowsNow)
    {
        List<string> said = [];
        Names("without the column", Columns.Except(now.Columns));
        Names("with the new column", now.Columns.Except(Columns));
        if (said.Count == 0 && !Columns.SequenceEqual(now.Columns))
            said.Add("with its columns in another order");
        if (rowsNow != rows)
            said.Add(
                $"{Math.Abs(rowsNow - rows):N0} row{(Math.Abs(rowsNow - rows) == 1 ? "" : "s")} {(rowsNow > rows ? "longer" : "shorter")}");

        // Digests cover whole rows, so if the columns differ, all digests do.
        if (Columns.SequenceEqual(now.Columns) && FirstDifference(rows, now, rowsNow) is { } place)
            said.Add(place);
        return said.Count == 0 ? "its rows are the same, only the file's bytes differ" : string.Join(", ", said);

        void Names(string what, IEnumerable<string> names)
        {
            if (names.Select(Message.Name).ToList() is { Count: > 0 } list)
                said.Add($"{what}{(list.Count == 1 ? "" : "s")} {Message.List(list)}");
        }
    }

    private string? FirstDifference(long rows, TableOutline now, long rowsNow)
    {
        var shorter = Math.Min(rows, rowsNow);
        for (var block = 0; block * Digits < Math.Min(Digests.Length, now.Digests.Length); block++)
        {
            if (DigestOf(block).SequenceEqual(now.DigestOf(block)))
                continue;
            var (first, last) = ((long)block * RowsInBlock, Math.Min(((long)block + 1) * RowsInBlock, shorter) - 1);

            // If rows were only appended or removed at the end, the last block of the shorter table differs too.
            if (rows != rowsNow && ((long)block + 1) * RowsInBlock > shorter)
                return first == 0 ? null : $"the rows before row {first:N0} unchanged";
            return first == last
                ? $"the first row that changed being row {first:N0}"
                : $"the first row that changed being one of {first:N0} to {last:N0}";
        }

        return rows == rowsNow ? null : "the common rows unchanged";
    }

    private ReadOnlySpan<char> DigestOf(int block) => Digests.AsSpan(block * Digits, Math.Min(Digits, Digests.Length - (block * Digits)));
}
