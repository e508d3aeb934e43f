using Parquet.Schema;

namespace ControlNet.ML.Cli.Tables;

/// <summary>A table without the columns that turned out to be unreadable.</summary>
internal sealed class ReducedTable : TableReader
{
    private readonly TableReader _table;
    private readonly int[] _kept;

    /// <param name="table">The table.</param>
    /// <param name="without">The columns to leave out.</param>
    public ReducedTable(TableReader table, IReadOnlyList<UnreadableColumn> without)
        : base(table.Path)
    {
        _table = table;
        var names = without.Select(column => column.Name).ToHashSet();
        _kept = [.. Enumerable.Range(0, table.Columns.Count).Where(i => !names.Contains(table.Columns[i].Name))];
        Columns = [.. _kept.Select(i => table.Columns[i])];
        Unreadable = [.. table.Unreadable, .. without];
    }

    public override IReadOnlyList<TableColumn> Columns { get; }

    public override IReadOnlyList<UnreadableColumn> Unreadable { get; }

    public override IEnumerable<string> Remarks => _table.Remarks;

    public override DataField Field(int column) => _table.Field(_kept[column]);

    public override long CountRows(CancellationToken cancellationToken) => _table.CountRows(cancellationToken);

    public override IEnumerable<TableRow> Read(IReadOnlyList<int> columns) => _table.Read([.. columns.Select(column => _kept[column])]);
}
