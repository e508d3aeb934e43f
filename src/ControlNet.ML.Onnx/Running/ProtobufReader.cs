namespace ControlNet.ML.Onnx;

/// <summary>
/// Walks the fields of a protobuf message in place, without copying: only a few names and sizes of an annotator's file are needed, and most
/// of its bytes are weights. Lengths are checked against the remaining bytes.
/// </summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private const int Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5;
    private ReadOnlySpan<byte> _rest = message;

    /// <summary>The number of the last field read.</summary>
    public int Field { get; private set; }

    /// <summary>The field's value if it is a number.</summary>
    public long Number { get; private set; }

    /// <summary>The field's bytes if it is a string, bytes or a message.</summary>
    public ReadOnlySpan<byte> Body { get; private set; }

    /// <summary>The whole field as it is encoded: key, length, value.</summary>
    public ReadOnlySpan<byte> Raw { get; private set; }

    /// <summary>Moves to the next field.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="InvalidDataException">The data is not a protobuf message, or is cut off.</exception>
    public bool Next()
    {
        if (_rest.IsEmpty)
            return false;
        var start = _rest;
        var key = ReadVarint();
        Field = (int)Math.Min(key >> 3, int.MaxValue);
        Number = 0;
        Body = default;
        switch ((int)(key & 7))
        {
            case Varint: Number = (long)ReadVarint(); break;
            case Fixed64: Take(8); break;
            case Fixed32: Take(4); break;
            case Bytes: Body = Take(ReadVarint()); break;
            default: throw Broken();
        }

        Raw = start[..(start.Length - _rest.Length)];
        return true;
    }

    /// <summary>Reads packed numbers, at most one more than allowed.</summary>
    /// <param name="packed">The field's bytes.</param>
    /// <param name="numbers">Receives them.</param>
    /// <param name="most">The number that is allowed.</param>
    /// <exception cref="InvalidDataException">The data is cut off.</exception>
    public static void Unpack(ReadOnlySpan<byte> packed, List<long> numbers, int most)
    {
        var reader = new ProtobufReader(packed);
        while (!reader._rest.IsEmpty && numbers.Count <= most)
            numbers.Add((long)reader.ReadVarint());
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = Take(1)[0];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
                return value;
        }

        throw Broken();
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)_rest.Length)
            throw Broken();
        var taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }

    private static InvalidDataException Broken() => new("its fields do not fit into it");
}
