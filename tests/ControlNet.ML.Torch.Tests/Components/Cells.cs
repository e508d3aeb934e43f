using ControlNet.ML.Components;
using ControlNet.ML.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>The values of a column, pictures or vectors, as numbers that can be compared with a tolerance.</summary>
internal static class Cells
{
    /// <summary>A picture: its size, then its levels.</summary>
    public static float[] Of(ImageBuffer image) => [image.Width * 1000, image.Height * 1000, .. image.Samples.Select(sample => (float)sample)];

    /// <summary>A picture; nothing for none.</summary>
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

    /// <summary>Asserts that rows are the expected ones.</summary>
    public static void Equal(IEnumerable<(int Id, float[] Values)> expected, IEnumerable<(int Id, float[] Values)> actual, double tolerance)
    {
        var (left, right) = (expected.ToList(), actual.ToList());
        Assert.Equal(left.Select(row => row.Id), right.Select(row => row.Id));
        foreach (var (a, b) in left.Zip(right))
        {
            Close.Absolute(a.Values, b.Values, tolerance, $"row {a.Id}");
        }
    }

    /// <summary>Reads a column's values of whatever row is the present one.</summary>
    public static Func<float[]> Getter(DataViewRow row, string column)
    {
        if (row.Schema[column].Type is ImageDataViewType)
        {
            var image = row.GetGetter<MLImage?>(row.Schema[column]);
            return () =>
            {
                MLImage? value = null;
                image(ref value);
                using (value)
                    return Of(value);
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
}
