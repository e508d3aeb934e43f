using System.Reflection;
using Microsoft.ML;

namespace ControlNet.ML.TestSupport;

/// <summary>Schemas, and shapes of them, as lines that are equal when they are: names, types, sizes, annotations and their values.</summary>
internal static class Schemas
{
    private static readonly MethodInfo Shape = typeof(SchemaShape).GetMethod("Create", BindingFlags.Static | BindingFlags.NonPublic)!;
    private static readonly MethodInfo OfValue = typeof(Schemas).GetMethod(nameof(Value), BindingFlags.Static | BindingFlags.NonPublic)!;

    /// <summary>What a chain of estimators gets to know of a schema before there are data.</summary>
    public static SchemaShape ShapeOf(DataViewSchema schema) => (SchemaShape)Shape.Invoke(null, [schema])!;

    /// <summary>A line a column.</summary>
    public static string[] Lines(DataViewSchema schema) => [.. schema.Select(column =>
        $"{column.Name}: {column.Type}{(column.IsHidden ? ", hidden" : "")} {{{string.Join("; ", column.Annotations.Schema.Select(note => $"{note.Name}: {note.Type} = {ValueOf(column, note)}"))}}}")];

    /// <summary>A line a column, in the order of the names: a shape has no order.</summary>
    public static string[] Lines(SchemaShape shape) => [.. shape.OrderBy(column => column.Name, StringComparer.Ordinal).Select(column =>
        $"{column.Name}: {column.Kind} of {column.ItemType}{(column.IsKey ? ", key" : "")} {{{string.Join("; ", Lines(column.Annotations))}}}")];

    private static string ValueOf(DataViewSchema.Column column, DataViewSchema.Column annotation) =>
        (string)OfValue.MakeGenericMethod(annotation.Type.RawType).Invoke(null, [column, annotation])!;

    private static string Value<T>(DataViewSchema.Column column, DataViewSchema.Column annotation)
    {
        var value = default(T)!;
        column.Annotations.GetGetter<T>(annotation)(ref value);
        return value?.ToString() ?? "nothing";
    }
}
