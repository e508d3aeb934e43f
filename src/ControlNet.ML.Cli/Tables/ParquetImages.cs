using Parquet;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tables;

/// <summary>
/// Images in Parquet files as Hugging Face's data sets store them: a structure of <c>bytes</c>, the image file, and <c>path</c>, its name.
/// </summary>
internal static class ParquetImages
{
    /// <summary>The names of the columns of an image's parts.</summary>
    public static string BytesOf(string column) => $"{column}/bytes";

    /// <inheritdoc cref="BytesOf"/>
    public static string PathOf(string column) => $"{column}/path";

    /// <summary>The parts of a structure that is an image; none of another one.</summary>
    public static IEnumerable<DataField> Parts(Field field)
    {
        if (field is not StructField { Fields: var fields })
            return [];
        var bytes = Part("bytes", typeof(ReadOnlyMemory<byte>));
        return bytes is null ? [] : Part("path", typeof(ReadOnlyMemory<char>)) is { } path ? [bytes, path] : [bytes];

        DataField? Part(string name, Type type) =>
            fields.OfType<DataField>().FirstOrDefault(part => part.Name == name && part.ClrType == type && !part.IsArray);
    }

    /// <summary>Whether a field is a part of a structure.</summary>
    public static bool IsPart(DataField field) => field.Path.Length > 1;

    /// <summary>The name of a field's column.</summary>
    public static string NameOf(DataField field) => IsPart(field) ? string.Join('/', field.Path.ToList()) : field.Name;

    /// <summary>Reads a part in a row group; returns a function from the row within the group to its value, which may be null.</summary>
    public static Func<int, object?> Read(ParquetRowGroupReader group, DataField field) => field.ClrType == typeof(ReadOnlyMemory<byte>)
        ? Read<ReadOnlyMemory<byte>>(group, field, value => value.ToArray())
        : Read<ReadOnlyMemory<char>>(group, field, value => value.ToString());

    private static Func<int, object?> Read<T>(ParquetRowGroupReader group, DataField field, Func<T, object> convert)
        where T : struct
    {
        // Parquet.Net's other methods ignore that a part, or the whole structure, may be null: later values move up (as of version 6.1).
        var (values, levels) = (new T[group.RowCount], new int[group.RowCount]);
        Memory<int>? places = field.MaxDefinitionLevel == 0 ? null : levels.AsMemory();
        group.ReadRawAsync(field, values.AsMemory(), places, null, default).AsTask().GetAwaiter().GetResult();
        var result = new object?[group.RowCount];
        for (var (row, next) = (0, 0); row < result.Length; row++)
        {
            if (levels[row] == field.MaxDefinitionLevel)
                result[row] = convert(values[next++]);
        }

        return row => result[row];
    }
}
