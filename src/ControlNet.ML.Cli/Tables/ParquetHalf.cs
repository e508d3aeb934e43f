using System.Buffers.Binary;
using Parquet.Meta;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tables;

/// <summary>
/// Float16 columns. Parquet.Net cannot open a file that has one (as of version 6.1), so they are read as two bytes and carried through as
/// float32, which represents every float16 exactly.
/// </summary>
internal static class ParquetHalf
{
    private const int Length = sizeof(ushort);

    /// <summary>Removes the FLOAT16 annotation from the columns of a footer, before a schema is made from it.</summary>
    /// <param name="metadata">The footer.</param>
    public static void Mark(FileMetaData? metadata)
    {
        // An empty annotation, which no writer writes, stays as a mark.
        foreach (var element in metadata?.Schema ?? [])
        {
            if (element.LogicalType?.FLOAT16 is not null)
                element.LogicalType = new LogicalType();
        }
    }

    /// <summary>Whether a column was marked.</summary>
    public static bool Is(DataField field) =>
        field.SchemaElement is { Type: Parquet.Meta.Type.FIXED_LEN_BYTE_ARRAY, TypeLength: Length, LogicalType: { } logical }
            && IsEmpty(logical);

    /// <summary>Decodes two bytes.</summary>
    public static float Of(byte[] bytes) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);

    private static bool IsEmpty(LogicalType type) =>
        typeof(LogicalType).GetProperties().All(property => property.PropertyType.IsValueType || property.GetValue(type) is null);
}
