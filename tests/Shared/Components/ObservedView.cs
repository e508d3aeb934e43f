using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.TestSupport;

/// <summary>Data that counts its reads, supports several cursors at a time, and can simulate failures.</summary>
internal sealed class ObservedView(IDataView source) : IDataView
{
    public int Cursors;
    public int Values;

    /// <summary>The columns requested from the last cursors, in the order of the schema.</summary>
    public IReadOnlyList<string> Asked { get; private set; } = [];

    /// <summary>The row at which <c>MoveNext</c> throws.</summary>
    public int BreaksAt { get; init; } = int.MaxValue;

    /// <summary>The row whose getters throw.</summary>
    public int UnreadableAt { get; init; } = int.MaxValue;

    public bool CanShuffle => source.CanShuffle;

    public DataViewSchema Schema => source.Schema;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        Cursors++;
        return new Cursor(this, source.GetRowCursor(Note(columnsNeeded), rand), 0, 1);
    }

    /// <summary>Each cursor reads every n-th row; <c>Batch</c> is the row's number.</summary>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        Cursors += n;
        var columns = Note(columnsNeeded);
        return [.. Enumerable.Range(0, n).Select(i => new Cursor(this, source.GetRowCursor(columns, rand), i, n))];
    }

    private DataViewSchema.Column[] Note(IEnumerable<DataViewSchema.Column> columns)
    {
        DataViewSchema.Column[] needed = [.. columns];
        Asked = [.. needed.DistinctBy(column => column.Index).OrderBy(column => column.Index).Select(column => column.Name)];
        return needed;
    }

    private sealed class Cursor(ObservedView view, DataViewRowCursor inner, int first, int step) : DataViewRowCursor
    {
        public override long Position => inner.Position < 0 ? -1 : inner.Position / step;

        public override long Batch => inner.Position;

        public override DataViewSchema Schema => inner.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => inner.IsColumnActive(column);

        public override ValueGetter<DataViewRowId> GetIdGetter() => inner.GetIdGetter();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            var getter = inner.GetGetter<TValue>(column);
            return (ref TValue value) =>
            {
                Interlocked.Increment(ref view.Values);
                if (inner.Position == view.UnreadableAt)
                    throw new IOException("the disk is gone");
                getter(ref value);
            };
        }

        public override bool MoveNext()
        {
            var count = inner.Position < 0 ? first + 1 : step;
            for (var i = 0; i < count; i++)
            {
                if (!inner.MoveNext())
                    return false;
                if (inner.Position == view.BreaksAt)
                    throw new IOException("the line is dead");
            }

            return true;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
