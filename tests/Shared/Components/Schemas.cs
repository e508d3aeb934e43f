using System.Reflection;
using Microsoft.ML;

namespace ControlNet.ML.TestSupport;

/// <summary>Schemas and schema shapes as comparable lines: names, types, sizes, annotations and their values.</summary>
internal static class Schemas
{
    private static readonly MethodInfo Shape = typeof(SchemaShape).GetMethod("Create", BindingFlags.Static | BindingFlags.NonPublic)!;
    private static readonly MethodInfo OfValue = typeof(Schemas).GetMethod(nameof(Value), BindingFlags.Static | BindingFlags.NonPublic)!;

    /// <summary>The shape that a chain of estimators gets before there is any data.</summary>
    public static SchemaShape ShapeOf(DataViewSchema schema) => (SchemaShape)Shape.Invoke(null, [schema])!;

    /// <summary>One line per column.</summary>
    public static string[] Lines(DataViewSchema schema) => [.. schema.Select(column =>
    {
        var notes = column.Annotations.Schema.Select(note => $"{note.Name}: {note.Type} = {ValueOf(column, note)}");
        return $"{column.Name}: {column.Type}{(column.IsHidden ? ", hidden" : "")} {{{string.Join("; ", notes)}}}";
    })];

    /// <summary>One line per column, sorted by name, since the columns of a shape are unordered.</summary>
    public static string[] Lines(SchemaShape shape) => [.. shape.OrderBy(column => column.Name, StringComparer.Ordinal).Select(column =>
    {
        var notes = string.Join("; ", Lines(column.Annotations));
        return $"{column.Name}: {column.Kind} of {column.ItemType}{(column.IsKey ? ", key" : "")} {{{notes}}}";
    })];

    private static string ValueOf(DataViewSchema.Column column, DataViewSchema.Column annotation) =>
        (string)OfValue.MakeGenericMethod(annotation.Type.RawType).Invoke(null, [column, annotation])!;

    private static string Value<T>(DataViewSchema.Column column, DataViewSchema.Column annotation)
    {
        var value = default(T)!;
        column.Annotations.GetGetter<T>(annotation)(ref value);
        return value?.ToString() ?? "nothing";
    }
}
