using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Tests.Components;

/// <summary>Reads rows with the columns <c>Id</c> and <c>Condition</c>.</summary>
internal static class ConditionRows
{
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
}
