using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Tests.Components;

/// <summary>What every component has to do, asked of one: an output column of pictures from photos, with known results.</summary>
/// <param name="ml">The context.</param>
/// <param name="estimator">Makes <c>Condition</c> from <c>Photo</c>.</param>
/// <param name="expected">The result for each row of <see cref="Photos"/>, by its id.</param>
internal sealed class Workout(MLContext ml, IEstimator<ITransformer> estimator, Func<int, string> expected)
{
    private const int Count = 7;
    private static readonly MethodInfo Shape = typeof(SchemaShape).GetMethod("Create", BindingFlags.Static | BindingFlags.NonPublic)!;

    private readonly IDataView _data = ListRows.Of(ml, Photos.Rows(Count));

    public void Run()
    {
        var model = estimator.Fit(_data);
        var view = model.Transform(_data);
        SchemasAgree(model, view);
        Reads(view);
        ReadsAnyColumns(view);
        ReadsPartly(view);
        ReadsInParallel(model, 3);
        ReadsInParallel(model, Count + 1);
        Reads(SavedAndLoaded(model).Transform(_data));
        Assert.Empty(Read(model.Transform(ml.Data.LoadFromEnumerable(Array.Empty<PhotoRow>()))));
        Predicts(SavedAndLoaded(model));
    }

    public static SchemaShape ShapeOf(DataViewSchema schema) => (SchemaShape)Shape.Invoke(null, [schema])!;

    public ITransformer SavedAndLoaded(ITransformer model)
    {
        using var file = new MemoryStream();
        ml.Model.Save(model, _data.Schema, file);
        file.Position = 0;
        return new MLContext().Model.Load(file, out _);
    }

    /// <summary>Ids and results, in the order of the rows.</summary>
    public static (int Id, string Condition)[] Read(IDataView view)
    {
        using var cursor = view.GetRowCursor([view.Schema["Id"], view.Schema["Condition"]]);
        return [.. Read(cursor)];
    }

    public static IEnumerable<(int Id, string Condition)> Read(DataViewRowCursor cursor)
    {
        var id = cursor.GetGetter<int>(cursor.Schema["Id"]);
        var image = cursor.GetGetter<MLImage?>(cursor.Schema["Condition"]);
        while (cursor.MoveNext())
        {
            var (number, condition) = (0, (MLImage?)null);
            id(ref number);
            image(ref condition);
            yield return (number, Pixels.Text(condition));
            condition?.Dispose();
        }
    }

    private void Reads(IDataView view) => Assert.Equal(Expected(Enumerable.Range(0, Count)), Read(view));

    private (int, string)[] Expected(IEnumerable<int> ids) => [.. ids.Select(id => (id, expected(id)))];

    private void SchemasAgree(ITransformer model, IDataView view)
    {
        Assert.Equal(Columns(view.Schema), Columns(model.GetOutputSchema(_data.Schema)));
        Assert.Equal(Columns(ShapeOf(view.Schema)), Columns(estimator.GetOutputSchema(ShapeOf(_data.Schema))));
    }

    private static IEnumerable<string> Columns(DataViewSchema schema) => schema.Select(c => $"{c.Name} {c.Type} {c.IsHidden}");

    private static IEnumerable<string> Columns(SchemaShape shape) =>
        shape.Select(c => $"{c.Name} {c.Kind} {c.ItemType} {c.IsKey}").Order(StringComparer.Ordinal);

    private void ReadsAnyColumns(IDataView view)
    {
        var condition = view.Schema["Condition"];
        for (var set = 0; set < 1 << view.Schema.Count; set++)
        {
            var active = view.Schema.Where(column => (set >> column.Index & 1) == 1).ToArray();
            using var cursor = view.GetRowCursor(active);
            Assert.All(view.Schema, column => Assert.Equal(active.Contains(column), cursor.IsColumnActive(column)));
            var rows = active.Contains(condition) ? ReadOnly(cursor, condition) : ReadNone(cursor);
            Assert.Equal(Count, rows);
        }

        int ReadOnly(DataViewRowCursor cursor, DataViewSchema.Column column)
        {
            var getter = cursor.GetGetter<MLImage?>(column);
            MLImage? image = null;
            var row = 0;
            for (; cursor.MoveNext(); row++)
            {
                getter(ref image);
                Assert.Equal(expected(row), Pixels.Text(image));
            }

            return row;
        }

        int ReadNone(DataViewRowCursor cursor)
        {
            Assert.ThrowsAny<Exception>(() => cursor.GetGetter<MLImage?>(condition));
            var rows = 0;
            while (cursor.MoveNext())
                rows++;
            return rows;
        }
    }

    private void ReadsPartly(IDataView view)
    {
        Assert.Equal(Expected([5, 6]), Read(ml.Data.SkipRows(view, 5)));
        Assert.Equal(Expected([0, 1, 2]), Read(ml.Data.TakeRows(view, 3)));
        Assert.Equal(Expected([2, 3]), Read(ml.Data.FilterRowsByColumn(ToSingle(view), "Number", 2, 4)));
        using var cursor = view.GetRowCursor([view.Schema["Id"], view.Schema["Condition"]], new Random(3));
        var shuffled = Read(cursor).ToArray();
        Assert.NotEqual(Enumerable.Range(0, Count), shuffled.Select(row => row.Id));
        Assert.Equal(Expected(Enumerable.Range(0, Count)), shuffled.OrderBy(row => row.Id));
    }

    private IDataView ToSingle(IDataView view) => ml.Transforms.Conversion.ConvertType("Number", "Id", DataKind.Single).Fit(view).Transform(view);

    private void ReadsInParallel(ITransformer model, int count)
    {
        var view = model.Transform(new ObservedView(_data));
        var cursors = view.GetRowCursorSet([view.Schema["Id"], view.Schema["Condition"]], count);
        Assert.Equal(count, cursors.Length);
        var rows = cursors.AsParallel().SelectMany(cursor =>
        {
            using (cursor)
                return Read(cursor).ToArray();
        });
        Assert.Equal(Expected(Enumerable.Range(0, Count)), rows.OrderBy(row => row.Id));
    }

    private void Predicts(ITransformer model)
    {
        using var engine = ml.Model.CreatePredictionEngine<PhotoRow, ConditionRow>(model);
        for (var id = 0; id < Count; id++)
        {
            var row = engine.Predict(Photos.Row(id));
            Assert.Equal((id, expected(id), ""), (row.Id, Pixels.Text(row.Condition), row.Error));
        }
    }
}
