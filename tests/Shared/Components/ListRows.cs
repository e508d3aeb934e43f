using System.Reflection;
using Microsoft.ML;

namespace ControlNet.ML.TestSupport;

/// <summary>
/// Rows that a cursor can read in random order. Those of <c>LoadFromEnumerable</c> cannot be shuffled: they are always read in order.
/// </summary>
internal static class ListRows
{
    private static readonly MethodInfo Create = typeof(DataOperationsCatalog).Assembly
        .GetType("Microsoft.ML.Data.DataViewConstructionUtils", throwOnError: true)!
        .GetMethod("CreateFromList", BindingFlags.Static | BindingFlags.Public)!;

    public static IDataView Of<TRow>(MLContext ml, IReadOnlyList<TRow> rows)
        where TRow : class
    {
        var view = (IDataView)Create.MakeGenericMethod(typeof(TRow)).Invoke(null, [ml, rows, null])!;
        Assert.True(view.CanShuffle);
        return view;
    }
}
