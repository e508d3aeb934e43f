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
        ReadsAnyColumns(view);
        ReadsShuffledAndFiltered(model, view);
        ReadsEmpty(model);
        ReadsRowByRow(model);
        ReadsInParallel(model, 2);
        ReadsInParallel(model, expected.Count + 1);
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

    /// <summary>No column, each by itself, the columns of the data, and all: whatever is asked for together, a value is the same.</summary>
    private void ReadsAnyColumns(IDataView view)
    {
        var made = view.Schema[column];
        DataViewSchema.Column[][] sets =
        [
            [],
            .. view.Schema.Select(each => new[] { each }),
            [.. view.Schema.Take(data.Schema.Count)],
            [.. view.Schema],
        ];
        foreach (var active in sets)
        {
            using var cursor = view.GetRowCursor(active);
            Assert.All(view.Schema, each => Assert.Equal(active.Contains(each), cursor.IsColumnActive(each)));
            var value = active.Contains(made) ? Cells.Getter(cursor, column) : null;
            var error = active.Length > 1 && value is not null ? cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["Error"]) : null;
            var row = 0;
            for (; cursor.MoveNext(); row++)
            {
                if (value is not null)
                    Compare([expected[row]], [(expected[row].Id, value())]);
                ReadOnlyMemory<char> reason = default;
                error?.Invoke(ref reason);
                Assert.Equal("", reason.ToString());
            }

            Assert.Equal(expected.Count, row);
        }
    }

    private void ReadsShuffledAndFiltered(ITransformer model, IDataView view)
    {
        using var cursor = view.GetRowCursor([view.Schema["Id"], view.Schema[column]], new Random(3));
        var shuffled = Cells.Read(cursor, column);
        Assert.NotEqual(expected.Select(row => row.Id), shuffled.Select(row => row.Id));
        Compare(expected.OrderBy(row => row.Id), shuffled.OrderBy(row => row.Id));

        // The first and the last row are left out: before the component, and behind it.
        var (kept, first, last) = (expected.Skip(1).SkipLast(1).ToList(), expected[0].Id, expected[^1].Id);
        Compare(kept, Cells.Read(model.Transform(Filtered(data)), column));
        Compare(kept, Cells.Read(Filtered(view), column));

        IDataView Filtered(IDataView all) => ml.Data.FilterByCustomPredicate(all, (Numbered row) => row.Id == first || row.Id == last);
    }

    private void ReadsEmpty(ITransformer model)
    {
        var view = model.Transform(ml.Data.FilterByCustomPredicate(data, (Numbered _) => true));
        Assert.Empty(Cells.Read(view, column));
        Assert.All(view.GetRowCursorSet([view.Schema["Id"], view.Schema[column]], 2), cursor =>
        {
            using (cursor)
                Assert.Empty(Cells.Read(cursor, column));
        });
    }

    /// <summary>As a prediction engine reads.</summary>
    private void ReadsRowByRow(ITransformer model)
    {
        Assert.True(model.IsRowToRowMapper);
        var mapper = model.GetRowToRowMapper(data.Schema);
        var wanted = mapper.OutputSchema[column];
        using var cursor = data.GetRowCursor(mapper.GetDependencies([wanted]));
        using var row = mapper.GetRow(cursor, [wanted]);
        var value = Cells.Getter(row, column);
        foreach (var each in expected)
        {
            Assert.True(cursor.MoveNext());
            Compare([each], [(each.Id, value())]);
        }

        Assert.False(cursor.MoveNext());
    }

    private void ReadsInParallel(ITransformer model, int count)
    {
        var view = model.Transform(new ObservedView(data));
        var cursors = view.GetRowCursorSet([view.Schema["Id"], view.Schema[column]], count);
        Assert.Equal(count, cursors.Length);
        var rows = cursors.AsParallel().WithDegreeOfParallelism(2).SelectMany(cursor =>
        {
            using (cursor)
                return Cells.Read(cursor, column);
        });
        Compare(expected.OrderBy(row => row.Id), rows.OrderBy(row => row.Id));
    }

    private sealed class Numbered
    {
        public int Id { get; set; }
    }
}
