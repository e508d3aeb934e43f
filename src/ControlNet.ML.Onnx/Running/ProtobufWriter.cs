using System.Buffers.Binary;
using System.Text;

namespace ControlNet.ML.Onnx;

/// <summary>Writes fields of a protobuf message.</summary>
internal static class ProtobufWriter
{
    private const int Bytes = 2, Fixed32 = 5;

    /// <summary>Writes a string, bytes or a message.</summary>
    public static void Field(MemoryStream target, int field, ReadOnlySpan<byte> body)
    {
        Varint(target, ((uint)field << 3) | Bytes);
        Varint(target, (ulong)body.Length);
        target.Write(body);
    }

    /// <summary>Writes a string.</summary>
    public static void Text(MemoryStream target, int field, string text) => Field(target, field, Encoding.UTF8.GetBytes(text));

    /// <summary>Writes an integer; a negative one takes ten bytes.</summary>
    public static void Number(MemoryStream target, int field, long value)
    {
        Varint(target, (uint)field << 3);
        Varint(target, (ulong)value);
    }

    /// <summary>Writes a float.</summary>
    public static void Single(MemoryStream target, int field, float value)
    {
        Varint(target, ((uint)field << 3) | Fixed32);
        Span<byte> bytes = stackalloc byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
        target.Write(bytes);
    }

    private static void Varint(MemoryStream target, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            target.WriteByte((byte)(value | 0x80));
        target.WriteByte((byte)value);
    }
}
