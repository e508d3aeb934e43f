using System.Text;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tables;

/// <summary>A CSV or TSV file. The first line has the column names; fields may be quoted.</summary>
internal sealed class CsvTable : TableReader
{
    private readonly Encoding? _encoding;
    private readonly char _separator;
    private readonly TableColumn[] _columns;
    private readonly int[] _places;
    private readonly int _width;

    /// <summary>Reads the column names.</summary>
    /// <param name="path">The file.</param>
    /// <param name="separator">The separator of fields; null takes the first comma, semicolon or tab in the first line.</param>
    /// <param name="encoding">The text's encoding; null for UTF-8.</param>
    public CsvTable(string path, char? separator, Encoding? encoding)
        : base(path)
    {
        _encoding = encoding;
        _separator = separator ?? Separator();
        var (header, problem) = Fields().FirstOrDefault();
        if (header is null)
            throw new ControlNetException($"{path} is empty, expected a first line with the names of the columns.");
        if (problem is not null)
            throw new ControlNetException($"{path}: in the first line, {problem}.");

        // If a cell far to the right was ever used, spreadsheets end each line in separators: several unnamed columns, which cannot be told
        // apart.
        _width = header.Length;
        var unnamed = header.Count(string.IsNullOrWhiteSpace);
        _places = [.. Enumerable.Range(0, _width).Where(place => unnamed < 2 || !string.IsNullOrWhiteSpace(header[place]))];
        _columns = [.. _places.Select(place => new TableColumn(header[place].Trim(), typeof(string)))];
        Unreadable = unnamed < 2 ? [] : [new UnreadableColumn("", $"occurs {unnamed} times without a name")];
        CheckNames(path, _columns);
        if (Array.Find(_columns, column => column.Name.Contains('\0', StringComparison.Ordinal)) is { } column)
        {
            throw new ControlNetException(
                $"{path}: the column name {Message.Name(column.Name)} has null characters. Is the file UTF-16? Then use --encoding "
                    + $"utf-16.");
        }
    }

    public override IReadOnlyList<TableColumn> Columns => _columns;

    public override IReadOnlyList<UnreadableColumn> Unreadable { get; }

    public override DataField Field(int column) => new(_columns[column].Name, typeof(string), isNullable: true);

    public override long CountRows(CancellationToken cancellationToken)
    {
        var count = 0L;
        foreach (var _ in Read([]))
        {
            if (++count % 4096 == 0)
                cancellationToken.ThrowIfCancellationRequested();
        }

        return count;
    }

    public override IEnumerable<TableRow> Read(IReadOnlyList<int> columns)
    {
        var number = 0L;
        foreach (var (fields, quotes) in Fields().Skip(1))
        {
            var count = fields.Length == 1 ? "1 field" : $"{fields.Length} fields";
            var problem = quotes ?? (fields.Length == _width ? null : $"it has {count}, expected {_width} as in the first line");
            var values = columns.Select(column => _places[column])
                .Select(place => place < fields.Length && fields[place].Length > 0 ? fields[place] : null);
            yield return new TableRow(number++, [.. values], problem);
        }
    }

    /// <summary>The rows that are not blank, with the first line, and the problem with the quotes of each.</summary>
    private IEnumerable<(string[] Fields, string? Problem)> Fields()
    {
        using var text = Open();
        var rows = new CsvRows(text, _separator);
        for (var row = 0L; Guarded(text, row, rows.Next) is { } fields;)
        {
            if (rows.IsBlank && _width != 1)
                continue;
            row++;
            yield return (fields, rows.Problem);
        }
    }

    private T Guarded<T>(EncodedText text, long row, Func<T> read)
    {
        var where = row == 0 ? "the first line" : $"row {row - 1}";
        try
        {
            return read();
        }
        catch (DecoderFallbackException e)
        {
            throw new ControlNetException($"{Path}: {where} {text.Problem(e)}", e);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"{Path}: {where} cannot be read: {e.Message}", e);
        }
    }

    private EncodedText Open() => new(RegularFile.Open(Path, Path, bufferSize: 1), _encoding);

    private char Separator()
    {
        using var text = Open();
        var one = new char[1];
        var quoted = false;
        for (var first = true; Guarded(text, 0, () => text.Read(one)) > 0 && (quoted || one[0] is not ('\r' or '\n')); first = false)
        {
            if (one[0] == '"' && (first || quoted))
                quoted = !quoted;
            else if (!quoted && one[0] is ',' or ';' or '\t')
                return one[0];
        }

        return ',';
    }
}
