using Microsoft.ML;

namespace ControlNet.ML.Components;

/// <summary>Data with a component's columns added.</summary>
internal sealed class BatchingView(RowMapper mapper, IDataView source) : IDataView
{
    public bool CanShuffle => source.CanShuffle;

    public DataViewSchema Schema => mapper.OutputSchema;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var active = new RowMapper.ActiveColumns(mapper, columnsNeeded);
        return new BatchingCursor(mapper, source.GetRowCursor(active.Sources, rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        var active = new RowMapper.ActiveColumns(mapper, columnsNeeded);
        return [.. source.GetRowCursorSet(active.Sources, n, rand).Select(cursor => new BatchingCursor(mapper, cursor, active))];
    }
}
