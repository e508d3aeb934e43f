namespace ControlNet.ML.Onnx;

/// <summary>Writes fields of a protobuf message.</summary>
internal static class ProtobufWriter
{
    private const int Bytes = 2;

    /// <summary>Writes a string, bytes or a message.</summary>
    public static void Field(MemoryStream target, int field, ReadOnlySpan<byte> body)
    {
        Varint(target, ((uint)field << 3) | Bytes);
        Varint(target, (ulong)body.Length);
        target.Write(body);
    }

    /// <summary>Writes a number that is not negative.</summary>
    public static void Number(MemoryStream target, int field, int value)
    {
        Varint(target, (uint)field << 3);
        Varint(target, (ulong)value);
    }

    private static void Varint(MemoryStream target, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            target.WriteByte((byte)(value | 0x80));
        target.WriteByte((byte)value);
    }
}
