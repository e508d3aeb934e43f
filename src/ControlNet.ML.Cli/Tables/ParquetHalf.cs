using System.Buffers.Binary;
using Parquet.Meta;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tables;

/// <summary>
/// Numbers of half precision. Parquet.Net cannot open a file that has a column of them (as of version 6.1), so they are taken for what they are
/// made of, two bytes, and carried in single precision, which holds every one of them.
/// </summary>
internal static class ParquetHalf
{
    private const int Length = sizeof(ushort);

    /// <summary>Takes the annotation from the columns of a footer, before a schema is made of it.</summary>
    /// <param name="metadata">The footer.</param>
    public static void Mark(FileMetaData? metadata)
    {
        // An annotation that says nothing, which no writer writes, stays as the mark.
        foreach (var element in metadata?.Schema ?? [])
        {
            if (element.LogicalType?.FLOAT16 is not null)
                element.LogicalType = new LogicalType();
        }
    }

    /// <summary>Whether a column was marked.</summary>
    public static bool Is(DataField field) => field.SchemaElement is { Type: Parquet.Meta.Type.FIXED_LEN_BYTE_ARRAY, TypeLength: Length, LogicalType: { } logical } && IsEmpty(logical);

    /// <summary>The number of two bytes.</summary>
    public static float Of(byte[] bytes) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);

    private static bool IsEmpty(LogicalType type) =>
        typeof(LogicalType).GetProperties().All(property => property.PropertyType.IsValueType || property.GetValue(type) is null);
}
