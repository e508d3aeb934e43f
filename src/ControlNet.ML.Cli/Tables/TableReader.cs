using System.Security.Cryptography;
using System.Text;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tables;

/// <summary>A column of a table.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Type of its values that are not null: string for text files.</param>
internal sealed record TableColumn(string Name, Type Type);

/// <summary>A column that cannot be read.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Why">The reason, as a predicate: "holds lists".</param>
internal sealed record UnreadableColumn(string Name, string Why);

/// <summary>A row of a table.</summary>
/// <param name="Number">Its number, from 0; the header does not count.</param>
/// <param name="Values">The values of the requested columns; null for a missing value.</param>
/// <param name="Problem">The problem with the row as a whole, or null.</param>
internal readonly record struct TableRow(long Number, object?[] Values, string? Problem = null);

/// <summary>A table in a file, read row by row, so that it may be larger than the memory.</summary>
internal abstract class TableReader
{
    /// <summary>The error for an encoding that is given for a Parquet file.</summary>
    public const string EncodingOfParquet = "--encoding is for text files only: text in Parquet files is always UTF-8.";

    /// <param name="path">The file.</param>
    protected TableReader(string path) => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The columns that can be read.</summary>
    public abstract IReadOnlyList<TableColumn> Columns { get; }

    /// <summary>Columns that cannot be read, since their values are lists, structures or of an unsupported type.</summary>
    public virtual IReadOnlyList<UnreadableColumn> Unreadable => [];

    /// <summary>Warnings of <see cref="Check"/> about columns that are still carried through.</summary>
    public virtual IEnumerable<string> Remarks => [];

    /// <summary>Reads columns once, so that an unreadable column is found before the work and not in the middle of it.</summary>
    /// <param name="needed">Columns of settings; text and bytes have to be UTF-8.</param>
    /// <param name="carried">Columns that are carried through.</param>
    /// <param name="cancellationToken">Checked before each part of the file.</param>
    /// <returns>The carried columns that cannot be read.</returns>
    /// <exception cref="ControlNetException">A needed column cannot be read.</exception>
    public virtual IReadOnlyList<UnreadableColumn> Check(
        IReadOnlyList<int> needed, IReadOnlyList<int> carried, CancellationToken cancellationToken) => [];

    /// <summary>Opens a table; the file name's extension gives its format.</summary>
    /// <param name="path">A .csv, .tsv, .jsonl or .parquet file.</param>
    /// <param name="encoding">The encoding of a text file; null for UTF-8.</param>
    /// <param name="cancellationToken">Stops waiting for slow reads, now and later.</param>
    /// <exception cref="ControlNetException">The file is missing, of another format or encoding, or damaged.</exception>
    /// <exception cref="UsageException">An encoding is given for a Parquet file.</exception>
    public static TableReader Open(string path, Encoding? encoding = null, CancellationToken cancellationToken = default)
    {
        return System.IO.Path.GetExtension(path).ToUpperInvariant() switch
        {
            ".CSV" => new CsvTable(path, null, encoding),
            ".TSV" => new CsvTable(path, '\t', encoding),
            ".JSONL" => new JsonLinesTable(path, encoding, cancellationToken),
            ".PARQUET" when encoding is not null =>
                throw new UsageException(EncodingOfParquet),
            ".PARQUET" => new ParquetTable(path, new ParquetGuard(path, cancellationToken)),
            var other => throw new ControlNetException($"{path}: the extension is '{other}', expected .csv, .tsv, .jsonl or .parquet."),
        };
    }

    /// <summary>The field with which a column is written to Parquet: of the column's type, and nullable.</summary>
    public abstract DataField Field(int column);

    /// <summary>The number of rows; reads the whole file if it is text.</summary>
    public abstract long CountRows(CancellationToken cancellationToken);

    /// <summary>The rows in order, with the values of the given columns.</summary>
    /// <param name="columns">Indices in <see cref="Columns"/>.</param>
    public abstract IEnumerable<TableRow> Read(IReadOnlyList<int> columns);

    /// <summary>SHA-256 of the file, in hexadecimal digits.</summary>
    public async Task<string> HashAsync(CancellationToken cancellationToken)
    {
        using var stream = RegularFile.Open(Path, Path, bufferSize: 1);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken).ConfigureAwait(false));
    }
}
