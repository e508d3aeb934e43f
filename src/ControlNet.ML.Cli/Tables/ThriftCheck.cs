namespace ControlNet.ML.Cli.Tables;

/// <summary>
/// The expected shape of a value in Thrift's compact protocol: a type, a list of a type, or a structure with some known fields.
/// </summary>
/// <param name="kind">Its type on the wire; True means either Boolean.</param>
/// <param name="element">The elements of a list.</param>
/// <param name="fields">The known fields of a structure; unknown ones may hold anything.</param>
internal sealed class ThriftShape(ThriftKind kind, ThriftShape? element, Dictionary<int, ThriftShape> fields)
{
    public static ThriftShape Truth { get; } = new(ThriftKind.True, null, []);

    public static ThriftShape I8 { get; } = new(ThriftKind.Byte, null, []);

    public static ThriftShape I16 { get; } = new(ThriftKind.I16, null, []);

    public static ThriftShape I32 { get; } = new(ThriftKind.I32, null, []);

    public static ThriftShape I64 { get; } = new(ThriftKind.I64, null, []);

    public static ThriftShape Binary { get; } = new(ThriftKind.Binary, null, []);

    public ThriftKind Kind => kind;

    public ThriftShape? Element => element;

    public ThriftShape? Field(int number) => fields.GetValueOrDefault(number);

    public static ThriftShape List(ThriftShape element) => new(ThriftKind.List, element, []);

    /// <summary>A structure with the fields 1, 2, 3 and so on.</summary>
    public static ThriftShape Struct(params ThriftShape[] fields) =>
        new(ThriftKind.Struct, null, fields.Index().ToDictionary(field => field.Index + 1, field => field.Item));
}

/// <summary>Types of values, by their numbers on the wire.</summary>
internal enum ThriftKind
{
    /// <summary>The end of a structure.</summary>
    Stop,
    True,
    False,
    Byte,
    I16,
    I32,
    I64,
    Double,
    Binary,
    List,
    Set,
    Map,
    Struct,
}

/// <summary>
/// Walks a value in Thrift's compact protocol and checks that it ends within its bytes and that known fields have their types, since
/// Parquet.Net's reader relies on both.
/// </summary>
/// <param name="data">The bytes.</param>
internal ref struct ThriftCheck(ReadOnlySpan<byte> data)
{
    private const int Deepest = 32;
    private const int LongestNumber = 10;
    private readonly ReadOnlySpan<byte> _data = data;

    /// <summary>Receives the integer fields of each structure of the shape <see cref="Watched"/>, in order.</summary>
    public Action<IReadOnlyDictionary<int, long>>? Seen { get; init; }

    /// <summary>The shape of the structures to report to <see cref="Seen"/>.</summary>
    public ThriftShape? Watched { get; init; }

    /// <summary>Length of the value in bytes.</summary>
    public int Length { get; private set; }

    /// <summary>Walks a structure.</summary>
    /// <param name="shape">Its expected shape.</param>
    /// <param name="numbers">Receives its integer fields; may be null.</param>
    /// <exception cref="InvalidDataException">The value has another shape or is cut off.</exception>
    public void Read(ThriftShape shape, Dictionary<int, long>? numbers = null) => Struct(shape, numbers, 0);

    private void Struct(ThriftShape? shape, Dictionary<int, long>? numbers, int depth)
    {
        if (depth > Deepest)
            throw new InvalidDataException("its structures are too deep");
        var isWatched = shape is not null && shape == Watched;
        if (isWatched)
            numbers = [];
        HashSet<long> there = [];
        for (var number = 0L; ;)
        {
            var header = Byte();
            var kind = (ThriftKind)(header & 15);
            if (kind == ThriftKind.Stop)
            {
                if (isWatched)
                    Seen?.Invoke(numbers!);
                return;
            }

            number = header >> 4 is > 0 and var step ? number + step : Number();
            var known = number is > 0 and <= short.MaxValue ? shape?.Field((int)number) : null;
            if (known is not null && !Fits(known, kind))
                throw new InvalidDataException($"field {number} has the type {kind}, expected {known.Kind}");

            // Parquet.Net takes the last of two, but only the first would be checked here.
            if (known is not null && !there.Add(number))
                throw new InvalidDataException($"field {number} occurs twice, expected once");

            // A Boolean's value is in the field's header.
            if (kind is ThriftKind.True or ThriftKind.False)
                continue;
            var value = Value(kind, known, depth);
            if (known is not null && value is { } whole)
                numbers?.TryAdd((int)number, whole);
        }
    }

    private long? Value(ThriftKind kind, ThriftShape? shape, int depth)
    {
        switch (kind)
        {
            case ThriftKind.True or ThriftKind.False or ThriftKind.Byte:
                return Byte();
            case ThriftKind.I16 or ThriftKind.I32 or ThriftKind.I64:
                return Number();
            case ThriftKind.Double:
                Skip(8);
                return null;
            case ThriftKind.Binary:
                Skip(Unsigned());
                return null;
            case ThriftKind.List or ThriftKind.Set:
                Items(shape?.Element, depth + 1);
                return null;
            case ThriftKind.Map:
                Pairs(depth + 1);
                return null;
            case ThriftKind.Struct:
                Struct(shape, null, depth + 1);
                return null;
            default:
                throw new InvalidDataException($"a value has the unknown type {(int)kind}");
        }
    }

    private void Items(ThriftShape? shape, int depth)
    {
        if (depth > Deepest)
            throw new InvalidDataException("its lists are too deep");
        var header = Byte();
        var kind = (ThriftKind)(header & 15);
        var count = header >> 4 == 15 ? Unsigned() : (ulong)(header >> 4);

        // Each item takes at least one byte.
        if (count > (ulong)(_data.Length - Length))
            throw new InvalidDataException($"a list claims {count:N0} items, but {_data.Length - Length:N0} bytes follow");
        if (count > 0 && shape is not null && !Fits(shape, kind))
            throw new InvalidDataException($"a list holds values of type {kind}, expected {shape.Kind}");
        for (var i = 0UL; i < count; i++)
            Value(kind, shape, depth);
    }

    private void Pairs(int depth)
    {
        var count = Unsigned();
        if (count == 0)
            return;
        if (count > (ulong)(_data.Length - Length))
            throw new InvalidDataException($"a map claims {count:N0} entries, but {_data.Length - Length:N0} bytes follow");
        var kinds = Byte();
        for (var i = 0UL; i < count; i++)
        {
            Value((ThriftKind)(kinds >> 4), null, depth);
            Value((ThriftKind)(kinds & 15), null, depth);
        }
    }

    private static bool Fits(ThriftShape shape, ThriftKind kind) =>
        kind == shape.Kind || (shape.Kind == ThriftKind.True && kind == ThriftKind.False);

    private byte Byte() => Length < _data.Length ? _data[Length++] : throw new InvalidDataException("it is cut off");

    private long Number() => Unsigned() is var value ? (long)(value >> 1) ^ -(long)(value & 1) : 0;

    private ulong Unsigned()
    {
        var value = 0UL;
        for (var i = 0; i < LongestNumber; i++)
        {
            var part = Byte();
            value |= (ulong)(part & 0x7f) << (7 * i);
            if (part < 0x80)
                return value;
        }

        throw new InvalidDataException("a number has no end");
    }

    private void Skip(ulong count)
    {
        if (count > (ulong)(_data.Length - Length))
            throw new InvalidDataException($"a value claims {count:N0} bytes, but {_data.Length - Length:N0} follow");
        Length += (int)count;
    }
}
