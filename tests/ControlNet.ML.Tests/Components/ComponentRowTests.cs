using System.Reflection;
using ControlNet.ML.Components;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Tests.Components;

/// <summary>Rows that fail, and rows that are read in unusual ways.</summary>
public sealed class ComponentRowTests
{
    private const string None = "There is no image in column 'Photo'.";

    private readonly MLContext _ml = new();

    private ControlNetTransforms Stages => _ml.Transforms.ControlNet();

    private static ConditionComponentOptions Strict => new() { Strict = true };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(16)]
    public void A_row_without_an_image_fails_alone(int batch)
    {
        var data = Data(6, missing: [1, 4]);
        var view = Stages.Canny("Condition", "Photo", null, new() { BatchSize = batch }).Fit(data).Transform(data);
        var rows = _ml.Data.CreateEnumerable<ConditionRow>(view, reuseRowObject: false).ToList();

        Assert.Equal(Enumerable.Range(0, 6).Select(id => id is 1 or 4 ? "none" : Edges(id)), rows.Select(row => Pixels.Text(row.Condition)));
        Assert.Equal(["", None, "", "", None, ""], rows.Select(row => row.Error));
    }

    [Fact]
    public void A_prediction_engine_gives_a_missing_picture_and_the_reason()
    {
        using var engine = _ml.Model.CreatePredictionEngine<PhotoRow, ConditionRow>(Stages.Canny("Condition", "Photo").Fit(Data(1)));
        Assert.Equal(Edges(0), Pixels.Text(engine.Predict(Photos.Row(0)).Condition));
        var failed = engine.Predict(new PhotoRow());
        Assert.Equal(("none", None), (Pixels.Text(failed.Condition), failed.Error));
        var next = engine.Predict(Photos.Row(2));
        Assert.Equal((Edges(2), ""), (Pixels.Text(next.Condition), next.Error));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_strict_component_stops_at_the_row_and_names_it(int batch)
    {
        var data = Data(6, missing: [2, 3]);
        var view = Stages.Canny("Condition", "Photo", null, Strict with { BatchSize = batch }).Fit(data).Transform(data);
        List<(int Id, string Condition)> before = [];
        using var cursor = view.GetRowCursor(view.Schema);

        var error = Assert.Throws<RowFailedException>(() => before.AddRange(ConditionRows.Read(cursor).Select(row =>
        {
            before.Add(row);
            return row;
        }).ToList()));

        Assert.Equal($"Row 2, column 'Condition': {None}", error.Message);
        Assert.Equal([(0, Edges(0)), (1, Edges(1))], before);
    }

    [Fact]
    public void A_strict_prediction_engine_throws()
    {
        using var engine = _ml.Model.CreatePredictionEngine<PhotoRow, ConditionRow>(Stages.Canny("Condition", "Photo", null, Strict).Fit(Data(1)));
        Assert.Contains(None, Assert.Throws<RowFailedException>(() => engine.Predict(new PhotoRow())).Message, StringComparison.Ordinal);
        Assert.Equal(Edges(1), Pixels.Text(engine.Predict(Photos.Row(1)).Condition));
    }

    [Fact]
    public void The_first_reason_of_a_chain_is_kept()
    {
        var data = Data(3, missing: [1]);
        var chain = Stages.Blur("Soft", "Photo").Append(Stages.Canny("Condition", "Soft"));
        var rows = _ml.Data.CreateEnumerable<ConditionRow>(chain.Fit(data).Transform(data), reuseRowObject: false).ToList();
        Assert.Equal(["", None, ""], rows.Select(row => row.Error));
        Assert.Null(rows[1].Condition);

        var strict = Stages.Blur("Soft", "Photo").Append(Stages.Canny("Condition", "Soft", null, Strict)).Fit(data).Transform(data);
        Assert.Equal($"Row 1, column 'Condition': {None}", Assert.Throws<RowFailedException>(() => ConditionRows.Read(strict)).Message);

        // Without the reasons' column, the second component only sees that there is no image.
        var blind = Stages.Blur("Soft", "Photo", null, new() { ErrorColumn = null }).Append(Stages.Canny("Condition", "Soft")).Fit(data).Transform(data);
        Assert.Equal(["", "There is no image in column 'Soft'.", ""], blind.GetColumn<string>("Error"));
    }

    [Fact]
    public void A_lenient_component_does_not_hide_that_a_strict_one_stopped()
    {
        var data = Data(3, missing: [1]);
        var chain = Stages.Blur("Soft", "Photo", null, Strict).Append(Stages.Canny("Condition", "Soft")).Fit(data).Transform(data);
        Assert.Equal($"Row 1, column 'Soft': {None}", Assert.Throws<RowFailedException>(() => ConditionRows.Read(chain)).Message);
        Assert.Equal($"Row 1, column 'Soft': {None}", Assert.Throws<RowFailedException>(() => chain.GetColumn<string>("Error").ToList()).Message);
    }

    [Fact]
    public void Reasons_that_the_data_bring_are_kept_and_their_rows_left_alone()
    {
        var data = _ml.Data.LoadFromEnumerable([new RowWithReason { Photo = Photos.Row(0).Photo }, new RowWithReason { Photo = Photos.Row(1).Photo, Error = "blurred" }]);
        var view = Stages.Canny("Condition", "Photo").Fit(data).Transform(data);
        Assert.Equal([(0, Edges(0)), (0, "none")], ConditionRows.Read(view));
        Assert.Equal(["", "blurred"], view.GetColumn<string>("Error"));
    }

    [Fact]
    public void A_file_that_cannot_be_read_fails_its_row()
    {
        using var folder = new TemporaryFolder();
        ImageCodec.Save(folder.File("a.png"), Color.Hwc3(Photos.Buffer(0)));
        folder.Write("b.png", [1, 2, 3]);
        var view = FromFiles(folder, "a.png", "b.png", "c.png", "", "a.png");
        var errors = view.GetColumn<string>("Error").ToArray();

        var edges = Pixels.Text(Canny.Apply(Color.Hwc3(Photos.Buffer(0))));
        Assert.Equal([edges, "none", "none", "none", edges], view.GetColumn<MLImage?>("Condition").Select(Pixels.Text));
        Assert.StartsWith("Column 'Photo' cannot be read: ", errors[1], StringComparison.Ordinal);
        Assert.Contains("c.png", errors[2], StringComparison.Ordinal);
        Assert.Equal(("", None, ""), (errors[0], errors[3], errors[4]));
    }

    [Fact]
    public void A_value_that_cannot_be_read_throws_for_its_row_only()
    {
        var source = new ObservedView(Data(4)) { UnreadableAt = 2 };
        var view = Stages.Canny("Condition", "Photo", null, new() { BatchSize = 4 }).Fit(source).Transform(source);
        using var cursor = view.GetRowCursor(view.Schema);
        var (id, error) = (cursor.GetGetter<int>(view.Schema["Id"]), cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["Error"]));
        for (var row = 0; row < 4; row++)
        {
            var (number, reason) = (-1, default(ReadOnlyMemory<char>));
            Assert.True(cursor.MoveNext());
            error(ref reason);
            Assert.Equal(row == 2 ? "Column 'Photo' cannot be read: the disk is gone" : "", reason.ToString());
            if (row == 2)
                Assert.Throws<IOException>(() => id(ref number));
            else
                id(ref number);
            Assert.Equal(row == 2 ? -1 : row, number);
        }
    }

    [Fact]
    public void Rows_before_a_break_of_the_source_are_read()
    {
        var source = new ObservedView(Data(9)) { BreaksAt = 5 };
        var view = Stages.Canny("Condition", "Photo").Fit(source).Transform(source);
        List<int> ids = [];
        Assert.Equal("the line is dead", Assert.Throws<IOException>(() => ids.AddRange(Ids())).Message);
        Assert.Equal([0, 1, 2, 3, 4], ids);

        IEnumerable<int> Ids()
        {
            using var cursor = view.GetRowCursor(view.Schema);
            foreach (var (id, _) in ConditionRows.Read(cursor))
                yield return id;
        }
    }

    [Fact]
    public void Nothing_is_read_before_it_is_asked_for_and_one_cursor_reads_it()
    {
        var source = new ObservedView(Data(8));
        var view = Stages.Canny("Condition", "Photo").Append(Stages.Blur("Soft", "Condition")).Fit(source).Transform(source);
        Assert.Equal((0, 0), (source.Cursors, source.Values));

        using (var cursor = view.GetRowCursor([]))
        {
            while (cursor.MoveNext())
            {
            }
        }

        Assert.Equal((1, 0), (source.Cursors, source.Values));
        Assert.Equal(8, view.GetColumn<MLImage>("Soft").Count());
        Assert.Equal((2, 8), (source.Cursors, source.Values));
    }

    [Fact]
    public void A_row_in_the_middle_of_a_batch_reads_right_though_nothing_was_read_before()
    {
        var data = Data(7);
        var view = Stages.Canny("Condition", "Photo").Fit(data).Transform(data);
        using var cursor = view.GetRowCursor(view.Schema);
        var (image, photo, id) = (cursor.GetGetter<MLImage>(view.Schema["Condition"]), cursor.GetGetter<MLImage>(view.Schema["Photo"]), cursor.GetGetter<int>(view.Schema["Id"]));
        var idGetter = cursor.GetIdGetter();
        for (var row = 0; cursor.MoveNext(); row++)
        {
            if (row % 4 != 2)
                continue;
            MLImage value = null!;
            var (number, rowId) = (0, default(DataViewRowId));
            image(ref value);
            Assert.Equal(Edges(row), Pixels.Text(value));
            photo(ref value);
            Assert.Equal(Pixels.Text(Photos.Buffer(row)), Pixels.Text(value));
            id(ref number);
            idGetter(ref rowId);
            Assert.Equal((row, (ulong)row, (long)row), (number, rowId.Low, cursor.Position));
        }
    }

    [Fact]
    public void Images_that_their_source_takes_back_are_kept_for_the_batch()
    {
        // ML.NET's resizer, where the size is right already, gives the loader's image, which the loader disposes with the next row; and
        // where there is none, it leaves its reader with the image of the row before.
        using var folder = new TemporaryFolder();
        for (var id = 0; id < 3; id++)
            ImageCodec.Save(folder.File($"{id}.png"), Color.Hwc3(Photos.Buffer(id)));
        var data = Files("0.png", "1.png", "", "2.png");
        var chain = _ml.Transforms.LoadImages("File0", folder.Path, "File").Append(_ml.Transforms.ResizeImages("Photo", Photos.Width, Photos.Height, "File0"))
            .Append(Stages.Condition("Condition", "Photo", "none"));
        var view = chain.Fit(data).Transform(data);

        string[] expected = [Plain(0), Plain(1), "none", Plain(2)];
        Assert.Equal(expected, view.GetColumn<MLImage?>("Condition").Select(Pixels.Text));

        static string Plain(int id) => Pixels.Text(Color.Hwc3(Photos.Buffer(id)));
    }

    [Fact]
    public void Images_read_into_objects_stay_there_and_those_of_the_program_stay_its_own()
    {
        var photos = Photos.Rows(9);
        var data = _ml.Data.LoadFromEnumerable(photos);
        var view = Stages.Canny("Condition", "Photo").Append(Stages.Invert("Photo")).Fit(data).Transform(data);
        var rows = _ml.Data.CreateEnumerable<ConditionRow>(view, reuseRowObject: false).ToList();
        Assert.Equal(Enumerable.Range(0, 9).Select(Edges), rows.Select(row => Pixels.Text(row.Condition)));
        Assert.All(photos, row => Assert.Equal(Photos.Width, row.Photo!.Width));
    }

    [Fact]
    public void Cancelling_stops_the_rows()
    {
        using var source = new CancellationTokenSource();
        var data = Data(4);
        var view = Stages.Canny("Condition", "Photo", null, new() { CancellationToken = source.Token }).Fit(data).Transform(data);
        Assert.Equal(4, ConditionRows.Read(view).Length);
        source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => ConditionRows.Read(view));

        view = Stages.Canny("Condition", "Photo").Fit(data).Transform(data);
        Assert.Equal(4, ConditionRows.Read(view).Length);
        typeof(MLContext).GetMethod("CancelExecution", BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public)!.Invoke(_ml, null);
        Assert.ThrowsAny<OperationCanceledException>(() => ConditionRows.Read(view));
    }

    [Fact]
    public void A_disposed_transformer_says_so()
    {
        var data = Data(2);
        var model = Stages.Canny("Condition", "Photo").Fit(data);
        var view = model.Transform(data);
        _ml.Model.CreatePredictionEngine<PhotoRow, ConditionRow>(model).Dispose();
        Assert.Throws<ObjectDisposedException>(() => ConditionRows.Read(view));
    }

    [Fact]
    public void Who_does_not_read_the_reasons_is_warned()
    {
        List<string> warnings = [];
        _ml.Log += (_, message) =>
        {
            if (message.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning)
                warnings.Add(message.RawMessage);
        };
        var data = Data(3, missing: [1]);
        ConditionRows.Read(Stages.Blur("Soft", "Photo").Append(Stages.Canny("Condition", "Soft")).Fit(data).Transform(data));
        Assert.Equal([$"Row 1, column 'Soft': {None}"], warnings);
    }

    private static string Edges(int id) => Pixels.Text(Canny.Apply(Color.Hwc3(Photos.AsRead(id))));

    private IDataView Data(int count, params int[] missing)
    {
        var rows = Photos.Rows(count);
        foreach (var row in missing)
            rows[row].Photo = null;
        return _ml.Data.LoadFromEnumerable(rows);
    }

    private IDataView Files(params string[] files) => _ml.Data.LoadFromEnumerable(files.Select(file => new FileRow { File = file }).ToArray());

    private IDataView FromFiles(TemporaryFolder folder, params string[] files)
    {
        var data = Files(files);
        return _ml.Transforms.LoadImages("Photo", folder.Path, "File").Append(Stages.Canny("Condition", "Photo")).Fit(data).Transform(data);
    }

    private sealed class RowWithReason
    {
        public int Id { get; set; }

        [Microsoft.ML.Transforms.Image.ImageType(Photos.Height, Photos.Width)]
        public MLImage? Photo { get; set; }

        public string Error { get; set; } = "";
    }
}
