namespace ControlNet.ML.Weights;

/// <summary>The element types of the safetensors format, all little-endian.</summary>
public enum TensorType
{
    /// <summary>IEEE 754 double precision.</summary>
    F64,

    /// <summary>IEEE 754 single precision.</summary>
    F32,

    /// <summary>IEEE 754 half precision.</summary>
    F16,

    /// <summary>The upper half of a single: 8 exponent bits, 7 fraction bits.</summary>
    BF16,

    /// <summary>One byte, 4 exponent and 3 fraction bits, no infinities (OCP E4M3); <c>F8_E4M3</c> in files.</summary>
    F8E4M3,

    /// <summary>One byte, the upper half of a half: 5 exponent and 2 fraction bits (OCP E5M2); <c>F8_E5M2</c> in files.</summary>
    F8E5M2,

    /// <summary>Signed 64 bits.</summary>
    I64,

    /// <summary>Signed 32 bits.</summary>
    I32,

    /// <summary>Signed 16 bits.</summary>
    I16,

    /// <summary>Signed 8 bits.</summary>
    I8,

    /// <summary>Unsigned 64 bits.</summary>
    U64,

    /// <summary>Unsigned 32 bits.</summary>
    U32,

    /// <summary>Unsigned 16 bits.</summary>
    U16,

    /// <summary>Unsigned 8 bits.</summary>
    U8,

    /// <summary>One byte, 0 or 1; <c>BOOL</c> in files.</summary>
    Bool,
}

/// <summary>Sizes and names of <see cref="TensorType"/>.</summary>
public static class TensorTypes
{
    private static readonly (string Name, int Size)[] Table =
    [
        ("F64", 8), ("F32", 4), ("F16", 2), ("BF16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1),
        ("I64", 8), ("I32", 4), ("I16", 2), ("I8", 1), ("U64", 8), ("U32", 4), ("U16", 2), ("U8", 1), ("BOOL", 1),
    ];

    /// <summary>Bytes per element.</summary>
    /// <param name="type">The type.</param>
    /// <returns>The number of bytes.</returns>
    public static int Size(this TensorType type) => Table[(int)type].Size;

    /// <summary>The name in a file's header, <c>BF16</c>.</summary>
    /// <param name="type">The type.</param>
    /// <returns>The name.</returns>
    public static string FormatName(this TensorType type) => Table[(int)type].Name;

    /// <summary>Whether the type is a floating-point type, as weights are.</summary>
    /// <param name="type">The type.</param>
    /// <returns>True if it is.</returns>
    public static bool IsFloatingPoint(this TensorType type) => type <= TensorType.F8E5M2;

    /// <summary>Finds a type by its name in a file's header; the names are upper case.</summary>
    /// <param name="name">The name.</param>
    /// <param name="type">The type, if there is one of that name.</param>
    /// <returns>False if there is no such type.</returns>
    public static bool TryParse(string name, out TensorType type)
    {
        var index = Array.FindIndex(Table, row => row.Name == name);
        type = (TensorType)Math.Max(index, 0);
        return index >= 0;
    }

    /// <summary>All names, for messages.</summary>
    internal static string Known => string.Join(", ", Table.Select(row => row.Name));
}
