using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.TestSupport;

/// <summary>Rows read by a cursor, with ML.NET's row ids and the values of the requested columns.</summary>
internal sealed class WorkoutTable(IReadOnlyList<WorkoutTable.Row> rows)
{
    /// <param name="Id">The value of the column <c>Id</c>, or -1 if that was not requested.</param>
    /// <param name="RowId">ML.NET's id of the row.</param>
    /// <param name="Batch">The cursor's batch number, by which the rows of several cursors are merged in order.</param>
    /// <param name="Values">The values by column name.</param>
    public sealed record Row(int Id, DataViewRowId RowId, long Batch, IReadOnlyDictionary<string, object> Values);

    public IReadOnlyList<Row> Rows => rows;

    /// <summary>Reads columns of a view with one cursor.</summary>
    public static WorkoutTable Read(IDataView view, params IEnumerable<DataViewSchema.Column> columns)
    {
        using var cursor = view.GetRowCursor(columns);
        return Read(cursor, columns);
    }

    /// <summary>Reads columns of a view with one cursor.</summary>
    public static WorkoutTable Read(IDataView view, params string[] columns) =>
        Read(view, columns.Select(name => view.Schema[name]).ToArray().AsEnumerable());

    /// <summary>Reads columns of a cursor to its end.</summary>
    public static WorkoutTable Read(DataViewRowCursor cursor, IEnumerable<DataViewSchema.Column> columns)
    {
        var getters = columns.Where(column => !column.IsHidden).Select(column => (column, Get: Cells.Value(cursor, column))).ToArray();
        var idGetter = cursor.GetIdGetter();
        List<Row> rows = [];
        while (cursor.MoveNext())
        {
            DataViewRowId rowId = default;
            idGetter(ref rowId);
            var values = getters.ToDictionary(each => each.column.Name, each => Fitting(each.column, each.Get()));
            rows.Add(new Row(-1, rowId, cursor.Batch, values));
        }

        return new WorkoutTable(
            [.. rows.Select(row => row.Values.TryGetValue("Id", out var id) ? row with { Id = int.Parse((string)id) } : row)]);
    }

    /// <summary>The rows of several tables.</summary>
    public static WorkoutTable Union(IEnumerable<WorkoutTable> tables) => new([.. tables.SelectMany(table => table.Rows)]);

    /// <summary>The same rows in another order.</summary>
    public WorkoutTable OrderBy<TKey>(Func<Row, TKey> key) => new([.. rows.OrderBy(key)]);

    /// <summary>Some of the rows.</summary>
    public WorkoutTable Where(Func<Row, bool> isWanted) => new([.. rows.Where(isWanted)]);

    /// <summary>Asserts that another table has the same rows in the same order, compared in the columns that both have.</summary>
    public void Equal(WorkoutTable actual, double tolerance, bool rowIds = false)
    {
        Assert.Equal(rows.Count, actual.Rows.Count);
        foreach (var (wanted, found) in rows.Zip(actual.Rows))
        {
            if (rowIds)
                Assert.Equal(wanted.RowId, found.RowId);
            foreach (var (column, value) in found.Values)
            {
                if (!wanted.Values.TryGetValue(column, out var original))
                    continue;
                if (value is float[] numbers && original is float[] others)
                    Close.Absolute(others, numbers, column == "Id" ? 0 : tolerance, $"row {wanted.Id}, column {column}");
                else
                    Assert.Equal(original, value);
            }
        }
    }

    /// <summary>Asserts that a value has the size that its column declares.</summary>
    private static object Fitting(DataViewSchema.Column column, object value)
    {
        if (column.Type is ImageDataViewType { Height: > 0 } image && value is float[] pixels)
            Assert.Equal((image.Width * 1000, image.Height * 1000), (pixels[0], pixels[1]));
        if (column.Type is VectorDataViewType { IsKnownSize: true } vector)
        {
            if (value is float[] numbers)
                Assert.Equal(vector.Size, numbers.Length);
            else
                Assert.Equal($"{vector.Size} missing", value);
        }

        return value;
    }
}
