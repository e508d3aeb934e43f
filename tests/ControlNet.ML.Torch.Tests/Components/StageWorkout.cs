using System.Reflection;
using ControlNet.ML.Tests.Components;
using Microsoft.ML;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>What every component has to do, asked of one that runs networks: a column with known results.</summary>
/// <param name="ml">The context.</param>
/// <param name="estimator">The component.</param>
/// <param name="data">Rows with an <c>Id</c>.</param>
/// <param name="column">What it adds.</param>
/// <param name="expected">The result for each row.</param>
/// <param name="tolerance">How much a value may differ: 1 level for pictures.</param>
internal sealed class StageWorkout(
    MLContext ml, IEstimator<ITransformer> estimator, IDataView data, string column, IReadOnlyList<(int Id, float[] Values)> expected, double tolerance)
{
    private static readonly MethodInfo Shape = typeof(SchemaShape).GetMethod("Create", BindingFlags.Static | BindingFlags.NonPublic)!;

    public void Run()
    {
        var model = estimator.Fit(data);
        var view = model.Transform(data);
        SchemasAgree(model, view);
        Compare(expected, Cells.Read(view, column));
        Compare([expected[^1]], Cells.Read(ml.Data.SkipRows(view, expected.Count - 1), column));
        Compare(expected.Take(1), Cells.Read(ml.Data.TakeRows(view, 1), column));
        ReadsNothing(view);
        ReadsInParallel(model);
        using var loaded = (IDisposable)SavedAndLoaded(model);
        Compare(expected, Cells.Read(((ITransformer)loaded).Transform(data), column));
        Assert.Empty(Cells.Read(ml.Data.SkipRows(view, expected.Count), column));
    }

    private void Compare(IEnumerable<(int Id, float[] Values)> wanted, IEnumerable<(int Id, float[] Values)> found) => Cells.Equal(wanted, found, tolerance);

    private ITransformer SavedAndLoaded(ITransformer model)
    {
        using var file = new MemoryStream();
        ml.Model.Save(model, data.Schema, file);
        file.Position = 0;
        return new MLContext().Model.Load(file, out _);
    }

    private void SchemasAgree(ITransformer model, IDataView view)
    {
        Assert.Equal(view.Schema.Select(c => $"{c.Name} {c.Type} {c.IsHidden}"), model.GetOutputSchema(data.Schema).Select(c => $"{c.Name} {c.Type} {c.IsHidden}"));
        Assert.Equal(Columns(ShapeOf(view.Schema)), Columns(estimator.GetOutputSchema(ShapeOf(data.Schema))));

        static IEnumerable<string> Columns(SchemaShape shape) => shape.Select(c => $"{c.Name} {c.Kind} {c.ItemType.RawType} {c.IsKey}").Order(StringComparer.Ordinal);
    }

    private static SchemaShape ShapeOf(DataViewSchema schema) => (SchemaShape)Shape.Invoke(null, [schema])!;

    private void ReadsNothing(IDataView view)
    {
        using var cursor = view.GetRowCursor([view.Schema["Id"]]);
        Assert.False(cursor.IsColumnActive(view.Schema[column]));
        Assert.ThrowsAny<InvalidOperationException>(() => Cells.Read(cursor, column));
    }

    private void ReadsInParallel(ITransformer model)
    {
        var view = model.Transform(new ObservedView(data));
        var cursors = view.GetRowCursorSet([view.Schema["Id"], view.Schema[column]], 2);
        Assert.Equal(2, cursors.Length);
        var rows = cursors.AsParallel().WithDegreeOfParallelism(2).SelectMany(cursor =>
        {
            using (cursor)
                return Cells.Read(cursor, column);
        });
        Compare(expected.OrderBy(row => row.Id), rows.OrderBy(row => row.Id));
    }
}
