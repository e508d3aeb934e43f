using System.Security.Cryptography;
using System.Text;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tables;

/// <summary>A column of a table.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Type of its values where they are there: string for text files.</param>
internal sealed record TableColumn(string Name, Type Type);

/// <summary>A column that cannot be read.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Why">What is about it: "holds lists".</param>
internal sealed record UnreadableColumn(string Name, string Why);

/// <summary>A row of a table.</summary>
/// <param name="Number">Which, from 0; the header is no row.</param>
/// <param name="Values">The values of the columns that were asked for; null where there is none.</param>
/// <param name="Problem">What is wrong with the row as such, or null.</param>
internal readonly record struct TableRow(long Number, object?[] Values, string? Problem = null);

/// <summary>A table in a file, read row by row: it may be larger than the memory.</summary>
internal abstract class TableReader
{
    /// <param name="path">The file.</param>
    protected TableReader(string path) => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The columns that can be read.</summary>
    public abstract IReadOnlyList<TableColumn> Columns { get; }

    /// <summary>Columns that are there and cannot be read, since their values are no single ones or of no known type.</summary>
    public virtual IReadOnlyList<UnreadableColumn> Unreadable => [];

    /// <summary>What <see cref="Check"/> found of the columns that are carried nevertheless.</summary>
    public virtual IEnumerable<string> Remarks => [];

    /// <summary>Reads columns once, so that nothing is found to be unreadable when much has been made already.</summary>
    /// <param name="needed">Columns without which nothing can be made; text and bytes have to be UTF-8.</param>
    /// <param name="carried">The others.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Those of the others that cannot be read.</returns>
    /// <exception cref="ControlNetException">A needed column cannot be read.</exception>
    public virtual IReadOnlyList<UnreadableColumn> Check(IReadOnlyList<int> needed, IReadOnlyList<int> carried, CancellationToken cancellationToken) => [];

    /// <summary>Opens a table; the name's ending says what it is.</summary>
    /// <param name="path">A .csv, .tsv or .parquet file.</param>
    /// <param name="encoding">The encoding of a text file; null for UTF-8.</param>
    /// <param name="cancellationToken">Stops waiting for what takes long to read, now and later.</param>
    /// <exception cref="ControlNetException">It is not there, of no such kind, of another encoding, or damaged.</exception>
    /// <exception cref="UsageException">It is no text file and has an encoding.</exception>
    public static TableReader Open(string path, Encoding? encoding = null, CancellationToken cancellationToken = default)
    {
        return System.IO.Path.GetExtension(path).ToUpperInvariant() switch
        {
            ".CSV" => new CsvTable(path, null, encoding),
            ".TSV" => new CsvTable(path, '\t', encoding),
            ".PARQUET" when encoding is not null => throw new UsageException("--encoding is about text files; Parquet says itself how its text is encoded."),
            ".PARQUET" => new ParquetTable(path, new ParquetGuard(path, cancellationToken)),
            var other => throw new ControlNetException($"{path}: the ending is '{other}', expected .csv, .tsv or .parquet."),
        };
    }

    /// <summary>How a column is written to Parquet: of its type, and null where there is no value.</summary>
    public abstract DataField Field(int column);

    /// <summary>How many rows there are; for a text file this reads it.</summary>
    public abstract long CountRows(CancellationToken cancellationToken);

    /// <summary>The rows in order, with the values of some columns.</summary>
    /// <param name="columns">Indices in <see cref="Columns"/>.</param>
    public abstract IEnumerable<TableRow> Read(IReadOnlyList<int> columns);

    /// <summary>SHA-256 of the file, in hexadecimal digits.</summary>
    public async Task<string> HashAsync(CancellationToken cancellationToken)
    {
        using var stream = RegularFile.Open(Path, Path, bufferSize: 1);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Throws if two columns have one name.</summary>
    protected static void CheckNames(string path, IReadOnlyList<TableColumn> columns)
    {
        if (columns.GroupBy(column => column.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ControlNetException($"{path}: the column {Message.Name(twice.Key)} is there {twice.Count()} times, expected once.");
    }
}
