using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Tables;

/// <summary>What of a table is remembered so that a later call can say how it changed: its columns, and digests of its rows, of a thousand blocks at most.</summary>
/// <param name="Columns">The names of its columns.</param>
/// <param name="RowsInBlock">How many rows a digest covers.</param>
/// <param name="Digests">Eight hexadecimal digits for each block.</param>
internal sealed record TableOutline(IReadOnlyList<string> Columns, int RowsInBlock, string Digests)
{
    private const int MostBlocks = 1000;
    private const int Digits = 8;

    /// <summary>Whether it is one that was written, not a damaged one that was read.</summary>
    [JsonIgnore]
    public bool IsSound => RowsInBlock > 0 && Columns is not null && Columns.All(name => name is not null) && Digests is not null;

    /// <summary>Reads a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="rowsInBlock">How many rows a digest is to cover.</param>
    /// <param name="cancellationToken">Stops it within a row.</param>
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
                // A length before each value: "ab" and "c" are not "a" and "bc", and nothing is not the empty text.
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

    /// <summary>The size of a block for a table of so many rows.</summary>
    public static int BlockFor(long rows) => (int)Math.Clamp((rows + MostBlocks - 1) / MostBlocks, 1, int.MaxValue);

    /// <summary>How a table differs from what it was, in words.</summary>
    /// <param name="rows">The rows it had.</param>
    /// <param name="now">The table now, with blocks of the same size.</param>
    /// <param name="rowsNow">The rows it has.</param>
    public string Difference(long rows, TableOutline now, long rowsNow)
    {
        List<string> said = [];
        Names("without the column", Columns.Except(now.Columns));
        Names("with the new column", now.Columns.Except(Columns));
        if (said.Count == 0 && !Columns.SequenceEqual(now.Columns))
            said.Add("with its columns in another order");
        if (rowsNow != rows)
            said.Add($"{Math.Abs(rowsNow - rows):N0} row{(Math.Abs(rowsNow - rows) == 1 ? "" : "s")} {(rowsNow > rows ? "longer" : "shorter")}");

        // Digests are those of whole rows: where columns are others, all rows are.
        if (Columns.SequenceEqual(now.Columns) && FirstDifference(rows, now, rowsNow) is { } place)
            said.Add(place);
        return said.Count == 0 ? "its rows are the same and only written differently" : string.Join(", ", said);

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

            // The last block of the shorter table is another where the longer one only goes on in it.
            if (rows != rowsNow && ((long)block + 1) * RowsInBlock > shorter)
                return first == 0 ? null : $"the rows before row {first:N0} unchanged";
            return first == last ? $"the first row that changed being row {first:N0}" : $"the first row that changed being one of {first:N0} to {last:N0}";
        }

        return rows == rowsNow ? null : "the rows that both have unchanged";
    }

    private ReadOnlySpan<char> DigestOf(int block) => Digests.AsSpan(block * Digits, Math.Min(Digits, Digests.Length - (block * Digits)));
}
