using System.Reflection;
using ControlNet.ML.Components;
using ControlNet.ML.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.TestSupport;

/// <summary>The values of a column: images and vectors as numbers, to compare with a tolerance; all others as text.</summary>
internal static class Cells
{
    private static readonly MethodInfo OfText = typeof(Cells).GetMethod(nameof(Text), BindingFlags.Static | BindingFlags.NonPublic)!;

    /// <summary>An image: width and height times 1,000, then its levels.</summary>
    public static float[] Of(ImageBuffer image) =>
        [image.Width * 1000, image.Height * 1000, .. image.Samples.Select(sample => (float)sample)];

    /// <summary>An image; empty for null.</summary>
    public static float[] Of(MLImage? image) => image is null ? [] : Of(image.ToImageBuffer());

    /// <summary>Ids and a column's values.</summary>
    public static List<(int Id, float[] Values)> Read(IDataView view, string column)
    {
        using var cursor = view.GetRowCursor([view.Schema["Id"], view.Schema[column]]);
        return Read(cursor, column);
    }

    /// <summary>Ids and a column's values.</summary>
    public static List<(int Id, float[] Values)> Read(DataViewRowCursor cursor, string column)
    {
        var id = cursor.GetGetter<int>(cursor.Schema["Id"]);
        var value = Getter(cursor, column);
        List<(int, float[])> rows = [];
        while (cursor.MoveNext())
        {
            var number = 0;
            id(ref number);
            rows.Add((number, value()));
        }

        return rows;
    }

    /// <summary>Asserts that the rows equal the expected ones.</summary>
    public static void Equal(IEnumerable<(int Id, float[] Values)> expected, IEnumerable<(int Id, float[] Values)> actual, double tolerance)
    {
        var (left, right) = (expected.ToList(), actual.ToList());
        Assert.Equal(left.Select(row => row.Id), right.Select(row => row.Id));
        foreach (var (a, b) in left.Zip(right))
            Close.Absolute(a.Values, b.Values, tolerance, $"row {a.Id}");
    }

    /// <summary>Returns a getter of the numbers of an image, vector or Single column, for the current row.</summary>
    public static Func<float[]> Getter(DataViewRow row, string column)
    {
        if (row.Schema[column].Type is ImageDataViewType)
        {
            var image = row.GetGetter<MLImage?>(row.Schema[column]);
            return () =>
            {
                MLImage? value = null;
                image(ref value);

                // Not disposed: the image may belong to the data.
                return Of(value);
            };
        }

        if (row.Schema[column].Type is NumberDataViewType)
        {
            var number = row.GetGetter<float>(row.Schema[column]);
            return () =>
            {
                var value = 0f;
                number(ref value);
                return [value];
            };
        }

        var vector = row.GetGetter<VBuffer<float>>(row.Schema[column]);
        return () =>
        {
            VBuffer<float> value = default;
            vector(ref value);
            return [.. value.DenseValues()];
        };
    }

    /// <summary>Returns a getter of any column: numbers for images, floats and vectors of them, text for other types and missing values.</summary>
    public static Func<object> Value(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is not (ImageDataViewType or NumberDataViewType { RawType.Name: nameof(Single) }
            or VectorDataViewType { ItemType: NumberDataViewType { RawType.Name: nameof(Single) } }))
        {
            var text = OfText.MakeGenericMethod(column.Type.RawType);
            return text.CreateDelegate<Func<DataViewRow, DataViewSchema.Column, Func<object>>>()(row, column);
        }

        var values = Getter(row, column.Name);
        return () => values() is var numbers && Array.TrueForAll(numbers, float.IsNaN) ? $"{numbers.Length} missing" : numbers;
    }

    private static Func<object> Text<T>(DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<T>(column);
        return () =>
        {
            var value = default(T)!;
            getter(ref value);
            return $"{value}";
        };
    }
}
