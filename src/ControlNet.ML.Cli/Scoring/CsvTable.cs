using nietras.SeparatedValues;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Separated values as text, UTF-8, the first line being the names; fields may be in quotes.</summary>
internal sealed class CsvTable : TableReader
{
    private readonly char _separator;
    private readonly TableColumn[] _columns;

    /// <summary>Reads the names.</summary>
    /// <param name="path">The file.</param>
    /// <param name="separator">What stands between fields; null takes the first of comma, semicolon and tab in the first line.</param>
    public CsvTable(string path, char? separator)
        : base(path)
    {
        _separator = separator ?? Separator(path);
        var header = Guarded(Fields()).FirstOrDefault()
            ?? throw new ControlNetException($"{path} is empty, expected a first line with the names of the columns.");
        _columns = [.. header.Select(name => new TableColumn(name.Trim(), typeof(string)))];
        CheckNames(path, _columns);
    }

    public override IReadOnlyList<TableColumn> Columns => _columns;

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
        foreach (var fields in Guarded(Fields()).Skip(1))
        {
            var problem = fields.Length == _columns.Length ? null : $"there are {fields.Length} fields, expected {_columns.Length} as in the first line";
            yield return new TableRow(
                number++, [.. columns.Select(column => column < fields.Length && fields[column].Length > 0 ? fields[column] : null)], problem);
        }
    }

    /// <summary>Every line that is not blank, the first included.</summary>
    private IEnumerable<string[]> Fields()
    {
        // The names are read as a row: so we can say ourselves what is wrong with them, and with rows of another length.
        using var text = new StreamReader(RegularFile.Open(Path, Path));
        using var reader = Sep.New(_separator).Reader(options => options with
        {
            HasHeader = false,
            Unescape = true,
            DisableColCountCheck = true,
            InitialBufferLength = 1 << 16,
        }).From(text);
        while (reader.MoveNext())
        {
            var row = reader.Current;
            if (row.ColCount == 1 && row.Span.IsWhiteSpace() && _columns is not { Length: 1 })
                continue;
            var fields = new string[row.ColCount];
            for (var i = 0; i < fields.Length; i++)
                fields[i] = row[i].ToString();
            yield return fields;
        }
    }

    private IEnumerable<string[]> Guarded(IEnumerable<string[]> rows)
    {
        using var row = rows.GetEnumerator();
        for (var line = 0L; ; line++)
        {
            try
            {
                if (!row.MoveNext())
                    yield break;
            }
            catch (Exception e) when (e is not (OperationCanceledException or OutOfMemoryException))
            {
                throw new ControlNetException($"{Path} cannot be read {(line == 0 ? "in its first line" : $"after {line - 1} rows")}: {e.Message}", e);
            }

            yield return row.Current;
        }
    }

    private static char Separator(string path)
    {
        using var reader = new StreamReader(RegularFile.Open(path, path));
        var quoted = false;
        for (int c; (c = reader.Read()) >= 0 && (quoted || c is not ('\r' or '\n'));)
        {
            if (c == '"')
                quoted = !quoted;
            else if (!quoted && c is ',' or ';' or '\t')
                return (char)c;
        }

        return ',';
    }
}
