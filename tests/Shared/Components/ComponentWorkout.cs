using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.TestSupport;

/// <summary>
/// Tests what ML.NET and its users expect of every component: outputs match the declared schema, rows are the same however they are read,
/// saved models behave like the original, and invalid data is refused with the same message everywhere.
/// </summary>
/// <param name="ml">The context.</param>
/// <param name="make">Creates the estimator, whose transformers report the number of processed rows to the progress.</param>
/// <param name="rows">At least three rows with an <c>Id</c>.</param>
/// <param name="column">The image or vector column that the component adds.</param>
/// <typeparam name="TRow">A row class without a column <c>Error</c>.</typeparam>
internal sealed class ComponentWorkout<TRow>(
    MLContext ml, Func<IProgress<long>, IEstimator<ITransformer>> make, IReadOnlyList<TRow> rows, string column)
    where TRow : class, new()
{
    private readonly IDataView _data = ListRows.Of(ml, rows);
    private readonly WorkCount _work = new();

    /// <summary>The expected result for each row, if known.</summary>
    public IReadOnlyList<(int Id, float[] Values)>? Expected { get; init; }

    /// <summary>Allowed difference of a number: 1 level for images from networks.</summary>
    public double Tolerance { get; init; }

    /// <summary>Columns that only <c>Fit</c> reads, not the fitted transformer.</summary>
    public IReadOnlyList<string> FitColumns { get; init; } = [];

    /// <summary>How many columns the last component adds, at the end of the schema.</summary>
    public int Added { get; init; } = 2;

    /// <summary>The text column with the errors.</summary>
    public string Error { get; init; } = "Error";

    public void Run()
    {
        var estimator = make(_work);
        var declared = Schemas.Lines(estimator.GetOutputSchema(Schemas.ShapeOf(_data.Schema)));
        var model = estimator.Fit(_data);
        SchemasAgree(declared, model);
        Assert.Equal(0, _work.Rows);
        var truth = Rows(model);
        Assert.Equal(rows.Count, _work.Rows);
        if (Expected is not null)
            Cells.Equal(Expected, truth.Rows.Select(row => (row.Id, (float[])row.Values[column])), Tolerance);

        ReadsAnyColumns(model, truth);
        ReadsPartly(model, truth);
        ReadsInParallel(model, truth);
        ReadsRowByRow(model, truth);
        KeepsEarlierFailures(model, truth);
        Assert.Empty(Rows(model, ListRows.Of(ml, Array.Empty<TRow>())).Rows);
        GoesIntoChains(estimator, truth);
        SavesAndLoads(estimator, model, declared, truth);
        (model as IDisposable)?.Dispose();
    }

    private WorkoutTable Rows(ITransformer model, IDataView? data = null)
    {
        var view = model.Transform(data ?? _data);
        return WorkoutTable.Read(view, view.Schema.ToArray().AsEnumerable());
    }

    private string[] Made(DataViewSchema schema) =>
        [.. new[] { "Id", column, Error }.Where(name => schema.GetColumnOrNull(name) is not null)];

    /// <summary>The estimator (without data), transformer, view, cursors and row-to-row mapper declare the same schema.</summary>
    private void SchemasAgree(string[] declared, ITransformer model)
    {
        var view = model.Transform(_data);
        var lines = Schemas.Lines(view.Schema);
        Assert.Equal(declared, Schemas.Lines(Schemas.ShapeOf(view.Schema)));
        Assert.Equal(lines, Schemas.Lines(model.GetOutputSchema(_data.Schema)));
        foreach (var active in new IEnumerable<DataViewSchema.Column>[] { [], [view.Schema[column]], view.Schema })
        {
            using var cursor = view.GetRowCursor(active);
            Assert.Equal(lines, Schemas.Lines(cursor.Schema));
            Assert.All(view.GetRowCursorSet(active, 2), each =>
            {
                using (each)
                    Assert.Equal(lines, Schemas.Lines(each.Schema));
            });
        }

        Assert.True(model.IsRowToRowMapper);
        var mapper = model.GetRowToRowMapper(_data.Schema);
        Assert.Equal(lines, Schemas.Lines(mapper.OutputSchema));
        Assert.Equal(Schemas.Lines(_data.Schema), Schemas.Lines(mapper.InputSchema));
        using var source = _data.GetRowCursor(mapper.GetDependencies([mapper.OutputSchema[column]]));
        using var row = mapper.GetRow(source, [mapper.OutputSchema[column]]);
        Assert.Equal(lines, Schemas.Lines(row.Schema));
        Assert.Equal(rows.Count, view.GetRowCount() ?? rows.Count);
    }

    /// <summary>Values do not depend on which columns are requested; other columns are neither read nor computed.</summary>
    private void ReadsAnyColumns(ITransformer model, WorkoutTable truth)
    {
        var schema = model.GetOutputSchema(_data.Schema);
        var mapper = model.GetRowToRowMapper(_data.Schema);
        foreach (var active in Subsets(schema))
        {
            var source = new ObservedView(_data);
            var view = model.Transform(source);
            var before = _work.Rows;
            using (var cursor = view.GetRowCursor(active))
            {
                Assert.All(schema, each => Assert.Equal(active.Contains(each), cursor.IsColumnActive(each)));
                Assert.All(schema.Except(active), each => Assert.ThrowsAny<InvalidOperationException>(() => Cells.Value(cursor, each)));
                truth.Equal(WorkoutTable.Read(cursor, active), Tolerance, rowIds: true);
            }

            var passed = active.All(each => each.Index < _data.Schema.Count);
            var needed = (passed ? active : mapper.GetDependencies(active)).Select(each => each.Name).ToHashSet();
            Assert.Equal(_data.Schema.Where(each => needed.Contains(each.Name)).Select(each => each.Name), source.Asked);

            var makes = active.Any(each => each.Index >= schema.Count - Added);
            Assert.Equal(makes ? before + rows.Count : before, _work.Rows);
            Assert.InRange(source.Values, 0, needed.Count * rows.Count);
        }
    }

    /// <summary>All subsets of up to four columns; otherwise none, each column alone, the data's, all, and random subsets.</summary>
    private List<DataViewSchema.Column[]> Subsets(DataViewSchema schema)
    {
        if (schema.Count <= 4)
            return [.. Enumerable.Range(0, 1 << schema.Count).Select(set => schema.Where(each => (set >> each.Index & 1) == 1).ToArray())];
        var random = new Random(schema.Count);
        return
        [
            [],
            .. schema.Select(each => new[] { each }),
            [.. schema.Take(_data.Schema.Count)],
            [.. schema],
            .. Enumerable.Range(0, 6).Select(_ => schema.Where(_ => random.Next(2) == 0).ToArray()),
        ];
    }

    /// <summary>Rows skipped, taken, filtered before and after the component, in another order, shuffled, cached.</summary>
    private void ReadsPartly(ITransformer model, WorkoutTable truth)
    {
        var view = model.Transform(_data);
        var (first, last) = (truth.Rows[0].Id, truth.Rows[^1].Id);
        truth.Where(row => row.Id == last).Equal(Read(ml.Data.SkipRows(view, rows.Count - 1)), Tolerance);
        truth.Where(row => row.Id == first).Equal(Read(ml.Data.TakeRows(view, 1)), Tolerance);
        var middle = truth.Where(row => row.Id != first && row.Id != last);
        middle.Equal(Read(Filtered(view)), Tolerance);
        middle.Equal(Read(model.Transform(Filtered(_data))), Tolerance);

        using (var cursor = view.GetRowCursor(Made(view.Schema).Select(name => view.Schema[name]), new Random(3)))
        {
            var shuffled = WorkoutTable.Read(cursor, Made(view.Schema).Select(name => view.Schema[name]));
            Assert.NotEqual(truth.Rows.Select(row => row.Id), shuffled.Rows.Select(row => row.Id));
            truth.OrderBy(row => row.RowId.Low).Equal(shuffled.OrderBy(row => row.RowId.Low), Tolerance, rowIds: true);
        }

        var reversed = Read(model.Transform(ListRows.Of(ml, rows.Reverse().ToArray())));
        truth.OrderBy(row => row.Id).Equal(reversed.OrderBy(row => row.Id), Tolerance);

        // ML.NET's shuffling and cache drop image columns.
        if (_data.Schema.Any(each => each.Type is ImageDataViewType))
            return;
        truth.OrderBy(row => row.Id).Equal(Read(model.Transform(ml.Data.ShuffleRows(_data, seed: 5))).OrderBy(row => row.Id), Tolerance);
        var cached = model.Transform(ml.Data.Cache(_data));
        truth.Equal(Read(cached), Tolerance);
        truth.OrderBy(row => row.Id).Equal(Parallel(cached, 3).OrderBy(row => row.Id), Tolerance);

        WorkoutTable Read(IDataView each) => WorkoutTable.Read(each, Made(each.Schema));

        IDataView Filtered(IDataView all) => ml.Data.FilterByCustomPredicate(all, (Numbered row) => row.Id == first || row.Id == last);
    }

    private void ReadsInParallel(ITransformer model, WorkoutTable truth)
    {
        foreach (var count in new[] { 2, 3, rows.Count + 1 })
        {
            var view = model.Transform(new ObservedView(_data));
            var union = Parallel(view, count, atLeast: count);
            truth.OrderBy(row => row.Id).Equal(union.OrderBy(row => row.Id), Tolerance, rowIds: true);

            // Consumers restore the order of a single cursor from the batch numbers.
            truth.Equal(union.OrderBy(row => row.Batch), Tolerance, rowIds: true);
        }
    }

    /// <summary>Reads each cursor on its own thread.</summary>
    private WorkoutTable Parallel(IDataView view, int count, int atLeast = 1)
    {
        var columns = Made(view.Schema).Select(name => view.Schema[name]).ToArray();
        var cursors = view.GetRowCursorSet(columns, count);
        Assert.InRange(cursors.Length, atLeast, count);
        var tables = new WorkoutTable[cursors.Length];
        var failures = new Exception?[cursors.Length];
        var threads = cursors.Select((cursor, i) => new Thread(() =>
        {
            try
            {
                using (cursor)
                    tables[i] = WorkoutTable.Read(cursor, columns);
            }
            catch (Exception error)
            {
                failures[i] = error;
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.All(failures, Assert.Null);
        Assert.All(tables, table => Assert.Equal(table.Rows.Select(row => row.Batch).Order(), table.Rows.Select(row => row.Batch)));
        return WorkoutTable.Union(tables);
    }

    /// <summary>Reads single rows through the mapper, as a prediction engine does.</summary>
    private void ReadsRowByRow(ITransformer model, WorkoutTable truth)
    {
        var mapper = model.GetRowToRowMapper(_data.Schema);
        var wanted = mapper.OutputSchema[column];
        using var cursor = _data.GetRowCursor(mapper.GetDependencies([wanted]));
        using var row = mapper.GetRow(cursor, [wanted]);
        var value = Cells.Value(row, wanted);
        foreach (var each in truth.Rows)
        {
            Assert.True(cursor.MoveNext());
            Compare(each, value());
        }

        Assert.False(cursor.MoveNext());
    }

    private void Compare(WorkoutTable.Row wanted, object found) =>
        Close.Absolute<float, float>((float[])wanted.Values[column], (float[])found, Tolerance, $"row {wanted.Id}");

    private void Predicts(ITransformer model, WorkoutTable truth)
    {
        var type = model.GetOutputSchema(_data.Schema)[column].Type;
        if (type is ImageDataViewType)
            Check<MadeImage>(made => Cells.Of(made.Value));
        else if (type is NumberDataViewType)
            Check<MadeNumber>(made => [made.Value]);
        else
            Check<MadeVector>(made => made.Value);

        void Check<TMade>(Func<TMade, float[]> values)
            where TMade : class, new()
        {
            var definition = SchemaDefinition.Create(typeof(TMade));
            (definition["Value"].ColumnName, definition["Value"].ColumnType) = (column, type);
            using var engine = ml.Model.CreatePredictionEngine<TRow, TMade>(model, outputSchemaDefinition: definition);
            foreach (var (row, wanted) in rows.Zip(truth.Rows))
                Compare(wanted, values(engine.Predict(row)));
        }
    }

    /// <summary>A row that failed earlier keeps its reason and gets the missing value of the column's declared shape.</summary>
    private void KeepsEarlierFailures(ITransformer model, WorkoutTable truth)
    {
        var failed = truth.Rows[0].Id;
        var data = ml.Transforms
            .CustomMapping<Numbered, Reason>((row, reason) => reason.Error = row.Id == failed ? "failed earlier" : "", null)
            .Fit(_data).Transform(_data);
        var table = Rows(model, data);
        Assert.Equal(truth.Rows.Select(row => row.Id == failed ? "failed earlier" : ""), table.Rows.Select(row => row.Values[Error]));
        Assert.EndsWith(" missing", Assert.IsType<string>(table.Rows[0].Values[column]), StringComparison.Ordinal);
        truth.Where(row => row.Id != failed).Equal(table.Where(row => row.Id != failed), Tolerance);
    }

    /// <summary>In chains with ML.NET's own transforms, also with a cache checkpoint, which ML.NET uses only during <c>Fit</c>.</summary>
    private void GoesIntoChains(IEstimator<ITransformer> estimator, WorkoutTable truth)
    {
        var copied = estimator.Append(ml.Transforms.CopyColumns("Copy", column));
        var cached = estimator.AppendCacheCheckpoint(ml).Append(ml.Transforms.CopyColumns("Copy", "Id"));
        foreach (var chain in new IEstimator<ITransformer>[] { copied, cached })
        {
            var declared = Schemas.Lines(chain.GetOutputSchema(Schemas.ShapeOf(_data.Schema)));
            var model = chain.Fit(_data);
            Assert.Equal(declared, Schemas.Lines(Schemas.ShapeOf(model.GetOutputSchema(_data.Schema))));
            var table = Rows(model);
            truth.Equal(table, Tolerance, rowIds: true);
            if (chain == copied)
                Assert.Equal(table.Rows.Select(row => row.Values[column]), table.Rows.Select(row => row.Values["Copy"]));
            (model as IDisposable)?.Dispose();
        }
    }

    private void SavesAndLoads(IEstimator<ITransformer> estimator, ITransformer model, string[] declared, WorkoutTable truth)
    {
        var saved = new SavedModel(ml, model, _data.Schema);
        Assert.Equal(saved.Entries, new SavedModel(ml, model, _data.Schema).Entries);
        var loaded = saved.Load();
        Assert.Equal(saved.Entries, new SavedModel(ml, loaded, _data.Schema).Entries);
        SchemasAgree(declared, loaded);
        Assert.Equal(Schemas.Lines(model.GetOutputSchema(_data.Schema)), Schemas.Lines(loaded.GetOutputSchema(_data.Schema)));
        truth.Equal(Rows(loaded), Tolerance, rowIds: true);
        ReadsInParallel(loaded, truth);
        new InvalidInputs(ml, _data).Run(estimator, [model, loaded], column, FitColumns);

        // The prediction engine disposes the model.
        Predicts(loaded, truth);
        Assert.ThrowsAny<ObjectDisposedException>(() => Rows(loaded));
    }

    private sealed class WorkCount : IProgress<long>
    {
        private long _rows;

        public long Rows => Interlocked.Read(ref _rows);

        // Reports from several threads may arrive out of order.
        public void Report(long value)
        {
            for (var seen = Rows; value > seen && Interlocked.CompareExchange(ref _rows, value, seen) != seen; seen = Rows)
            {
            }
        }
    }

    private sealed class Numbered
    {
        public int Id { get; set; }
    }

    private sealed class Reason
    {
        public string Error { get; set; } = "";
    }

    private sealed class MadeImage
    {
        [ImageType(1, 1)]
        public MLImage? Value { get; set; }
    }

    private sealed class MadeNumber
    {
        public float Value { get; set; }
    }

    private sealed class MadeVector
    {
        public float[] Value { get; set; } = [];
    }
}
