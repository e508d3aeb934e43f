using System.Text;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tables;

/// <summary>A CSV or TSV file as a table.</summary>
internal sealed class CsvTable : TableReader
{
    private readonly CsvFile _file;
    private readonly TableColumn[] _columns;

    /// <summary>Reads the column names.</summary>
    /// <param name="path">The file.</param>
    /// <param name="separator">The separator of fields; null takes the first comma, semicolon or tab in the first line.</param>
    /// <param name="encoding">The text's encoding; null for UTF-8.</param>
    public CsvTable(string path, char? separator, Encoding? encoding)
        : base(path)
    {
        _file = new CsvFile(path, path, separator, encoding);
        _columns = [.. _file.Names.Select(name => new TableColumn(name, typeof(string)))];
        Unreadable = _file.Unnamed == 0 ? [] : [new UnreadableColumn("", $"occurs {_file.Unnamed} times without a name")];
    }

    public override IReadOnlyList<TableColumn> Columns => _columns;

    public override IReadOnlyList<UnreadableColumn> Unreadable { get; }

    public override DataField Field(int column) => new(_columns[column].Name, typeof(string), isNullable: true);

    public override long CountRows(CancellationToken cancellationToken)
    {
        var count = 0L;
        foreach (var _ in _file.Rows([]))
        {
            if (++count % 4096 == 0)
                cancellationToken.ThrowIfCancellationRequested();
        }

        return count;
    }

    public override IEnumerable<TableRow> Read(IReadOnlyList<int> columns)
    {
        var number = 0L;
        foreach (var (values, problem) in _file.Rows(columns))
            yield return new TableRow(number++, values, problem);
    }
}
