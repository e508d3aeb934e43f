using ControlNet.ML.Components;
using ControlNet.ML.Conditions;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Tests.Components;

public sealed class ComponentSchemaTests
{
    private readonly MLContext _ml = new();

    private ControlNetTransforms Stages => _ml.Transforms.ControlNet();

    [Theory]
    [InlineData("Nowhere")]
    [InlineData("Id")]
    [InlineData("Text")]
    [InlineData("Vector")]
    [InlineData("Open")]
    [InlineData("Key")]
    public void A_column_that_will_not_do_is_refused_in_ML_NETs_words(string column)
    {
        var data = _ml.Data.LoadFromEnumerable([new OtherRow()]);
        var theirs = _ml.Transforms.ResizeImages("Condition", 8, 8, column);
        var ours = Stages.Canny("Condition", column);
        var shape = Schemas.ShapeOf(data.Schema);

        Assert.Equal(Message(() => theirs.Fit(data)), Message(() => ours.Fit(data)), ignoreCase: true);
        Assert.Equal(Message(() => theirs.GetOutputSchema(shape)), Message(() => ours.GetOutputSchema(shape)), ignoreCase: true);

        var photos = Renamed(_ml.Data.LoadFromEnumerable(Photos.Rows(1)), column);
        Assert.Equal(Message(() => theirs.Fit(photos).Transform(data)), Message(() => ours.Fit(photos).Transform(data)), ignoreCase: true);

        // Ours takes image files as well.
        static string Message(Func<object> action) =>
            Assert.Throws<ArgumentOutOfRangeException>(action).Message.Replace(" or VarVector<Byte>", "", StringComparison.Ordinal);
    }

    [Fact]
    public void The_error_column_has_to_be_text()
    {
        var data = Renamed(_ml.Data.LoadFromEnumerable(Photos.Rows(1)), "Error", from: "Id");
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => Stages.Canny("Condition", "Photo").Fit(data));
        Assert.StartsWith("Schema mismatch for error column 'Error': expected String, got Int32", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<ArgumentOutOfRangeException>(() => Stages.Canny("Condition", "Photo").GetOutputSchema(Schemas.ShapeOf(data.Schema)));
        Assert.StartsWith("Schema mismatch for error column 'Error': expected String, got Int32", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Stages.Canny("Error", "Photo"));

        var other = Stages.Canny("Condition", "Photo", null, new() { ErrorColumn = "Why" }).Fit(data).Transform(data);
        Assert.Equal(["Id", "Photo", "Error", "Condition", "Why"], other.Schema.Select(column => column.Name));
        var none = Stages.Canny("Error", "Photo", null, new() { ErrorColumn = null }).Fit(data).Transform(data);
        Assert.Equal(["Id", "Photo", "Error", "Error"], none.Schema.Select(column => column.Name));
    }

    [Fact]
    public void Wrong_settings_are_refused_before_there_are_data()
    {
        Refused("The option Aperture of 'canny' is 4, expected 3, 5 or 7.", () => Stages.Canny("C", "P", new CannyOptions { Aperture = 4 }));
        Refused("Width is 8 and Height is none, expected both or neither.", () => Stages.Canny("C", "P", null, new() { Width = 8 }));
        Refused("The size is 8x0, expected sides of at least 1.", () => Stages.Canny("C", "P", null, new() { Width = 8, Height = 0 }));
        Refused("Fit is 7, expected Resize, Crop, Fill.", () => Stages.Canny("C", "P", null, new() { Fit = (ControlNet.ML.Imaging.FitMode)7 }));
        Refused("BatchSize is 0, expected at least 1.", () => Stages.Canny("C", "P", null, new() { BatchSize = 0 }));
        Refused("ErrorColumn is empty, expected a name, or null for no error column.", () => Stages.Canny("C", "P", null, new() { ErrorColumn = "" }));
        Assert.StartsWith("There is no condition 'cany'; did you mean 'canny'? Expected one of", Assert.Throws<ControlNetException>(() => Stages.Condition("C", "P", "cany")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Stages.Condition("C", "P", "canny", new TileOptions()));
        Assert.Throws<ArgumentException>(() => Stages.Condition("C", "P", "none", new TileOptions()));
        Assert.Throws<ArgumentException>(() => Stages.Canny(""));

        static void Refused(string message, Func<object> action) => Assert.Equal(message, Assert.Throws<ControlNetException>(action).Message);
    }

    private IDataView Renamed(IDataView data, string name, string from = "Photo") => _ml.Transforms.CopyColumns(name, from).Fit(data).Transform(data);

    private sealed class OtherRow
    {
        public int Id { get; set; }

        public string Text { get; set; } = "";

        [VectorType(3)]
        public float[] Vector { get; set; } = [1, 2, 3];

        public float[] Open { get; set; } = [1];

        [KeyType(4)]
        public uint Key { get; set; }
    }
}
