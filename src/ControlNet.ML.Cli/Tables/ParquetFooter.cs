using System.Buffers.Binary;
using static ControlNet.ML.Cli.Tables.ThriftShape;

namespace ControlNet.ML.Cli.Tables;

/// <summary>
/// Checks a Parquet file's footer and page headers against parquet.thrift before Parquet.Net reads them: where a count or type is wrong,
/// its varint reader takes the end of the data for a byte with the continuation bit and loops forever (as of version 6.1).
/// </summary>
internal static class ParquetFooter
{
    private const int TailLength = 8;
    private const int LongestFooter = 256 << 20;
    private const int UsualPageHeader = 1 << 12;
    private const int LongestPageHeader = 1 << 24;

    // Old writers do not count the header of the dictionary page in a column's length (PARQUET-816).
    private const int Tolerance = 100;
    private const int LargestPage = 1 << 30;

    // Each nested list takes two or three levels.
    private const int DeepestSchema = 100;

    private static readonly ThriftShape KeyValue = Struct(Binary, Binary);
    private static readonly ThriftShape Statistics = Struct(Binary, Binary, I64, I64, Binary, Binary, Truth, Truth);
    private static readonly ThriftShape Unit = Struct(Struct(), Struct(), Struct());

    // STRING, MAP, LIST, ENUM, DECIMAL, DATE, TIME, TIMESTAMP, (interval), INTEGER, UNKNOWN, JSON, BSON, UUID, FLOAT16.
    private static readonly ThriftShape LogicalType = Struct(
        Struct(), Struct(), Struct(), Struct(), Struct(I32, I32), Struct(), Struct(Truth, Unit), Struct(Truth, Unit), Struct(),
        Struct(I8, Truth), Struct(), Struct(), Struct(), Struct(), Struct());

    private static readonly ThriftShape SchemaElement = Struct(I32, I32, I32, Binary, I32, I32, I32, I32, I32, LogicalType);

    private static readonly ThriftShape SizeStatistics = Struct(I64, List(I64), List(I64));

    private static readonly ThriftShape ColumnMetaData = Struct(
        I32, List(I32), List(Binary), I32, I64, I64, I64, List(KeyValue), I64, I64, I64, Statistics, List(Struct(I32, I32, I32)), I64, I32,
        SizeStatistics);

    private static readonly ThriftShape ColumnChunk = Struct(Binary, I64, ColumnMetaData, I64, I32, I64, I32);

    private static readonly ThriftShape RowGroup = Struct(List(ColumnChunk), I64, I64, List(Struct(I32, Truth, Truth)), I64, I64, I16);

    private static readonly ThriftShape File = Struct(
        I32, List(SchemaElement), I64, List(RowGroup), List(KeyValue), Binary, List(Struct(Struct(), Struct())));

    private static readonly ThriftShape PageHeader = Struct(
        I32, I32, I32, I32, Struct(I32, I32, I32, I32, Statistics), Struct(), Struct(I32, I32, Truth),
        Struct(I32, I32, I32, I32, I32, I32, Truth, Statistics));

    /// <summary>Checks the footer; leaves the stream at its beginning.</summary>
    /// <param name="stream">The file.</param>
    /// <exception cref="InvalidDataException">The footer is not that of a Parquet file.</exception>
    public static void Check(Stream stream)
    {
        Span<byte> tail = stackalloc byte[TailLength];
        if (stream.Length < 4 + TailLength)
            throw new InvalidDataException($"the file has only {stream.Length} bytes, too few for a footer.");
        stream.Position = stream.Length - TailLength;
        stream.ReadExactly(tail);
        if (tail[4..].SequenceEqual("PARE"u8))
            throw new InvalidDataException("it is encrypted (the file ends in PARE), expected an unencrypted file.");
        if (!tail[4..].SequenceEqual("PAR1"u8))
            throw new InvalidDataException("the file does not end in PAR1. Is it cut off?");
        var length = BinaryPrimitives.ReadUInt32LittleEndian(tail);
        if (length > stream.Length - 4 - TailLength || length > LongestFooter)
            throw new InvalidDataException($"it claims {length:N0} bytes, but the whole file has {stream.Length:N0}.");
        var footer = new byte[length];
        stream.Position = stream.Length - TailLength - length;
        stream.ReadExactly(footer);
        List<long> children = [];
        new ThriftCheck(footer) { Watched = SchemaElement, Seen = numbers => children.Add(numbers.GetValueOrDefault(5)) }.Read(File);
        CheckTree(children);
        stream.Position = 0;
    }

    /// <summary>
    /// Checks that the elements of a schema, in depth-first order, form one tree that is not too deep: Parquet.Net walks it recursively (as
    /// of version 6.1), and a stack overflow ends the process.
    /// </summary>
    /// <param name="children">The number of children that each element claims.</param>
    private static void CheckTree(List<long> children)
    {
        Stack<long> open = [];
        foreach (var (index, count) in children.Index())
        {
            if (count < 0 || count > children.Count - 1 - index)
            {
                throw new InvalidDataException(
                    $"element {index} of its schema claims {count:N0} children, but {children.Count - 1 - index:N0} elements follow");
            }

            if (open.Count == 0 && index > 0)
                throw new InvalidDataException($"its schema has {children.Count - index:N0} more elements than it claims");
            if (open.TryPop(out var left))
                open.Push(left - 1);
            open.Push(count);
            if (open.Count > DeepestSchema)
                throw new InvalidDataException($"its schema is deeper than {DeepestSchema} levels");
            while (open.TryPeek(out left) && left == 0)
                open.Pop();
        }

        if (open.Count > 0 || children.Count == 0)
            throw new InvalidDataException("its schema ends too early");
    }

    /// <summary>Checks the headers of a column's pages in a row group.</summary>
    /// <param name="stream">The file; its position is restored.</param>
    /// <param name="start">Offset of the first page in bytes.</param>
    /// <param name="length">Length of all pages in bytes.</param>
    /// <exception cref="InvalidDataException">A header is not that of a page, or the page does not fit into the column.</exception>
    public static void CheckPages(Stream stream, long start, long length)
    {
        var before = stream.Position;
        for (var (place, end) = (start, start + length); place < end;)
        {
            Dictionary<int, long> numbers = [];
            var header = HeaderLength(stream, place, numbers);
            var (unpacked, packed) = (numbers.GetValueOrDefault(2, -1), numbers.GetValueOrDefault(3, -1));
            if (packed < 0 || packed > end + Tolerance - place - header)
                throw new InvalidDataException($"a page claims {packed:N0} bytes, but {end - place - header:N0} of the column follow.");
            if (unpacked is < 0 or > LargestPage)
                throw new InvalidDataException($"a page claims {unpacked:N0} bytes uncompressed, expected 0 to {LargestPage:N0}.");
            place += header + packed;
        }

        stream.Position = before;
    }

    /// <summary>The length of a page's header. Most are short; statistics of long texts make them long.</summary>
    private static int HeaderLength(Stream stream, long place, Dictionary<int, long> numbers)
    {
        for (var most = UsualPageHeader; ; most = LongestPageHeader)
        {
            var buffer = new byte[Math.Min(most, stream.Length - place)];
            stream.Position = place;
            stream.ReadExactly(buffer);
            try
            {
                var header = new ThriftCheck(buffer);
                header.Read(PageHeader, numbers);
                return header.Length;
            }
            catch (InvalidDataException) when (most == UsualPageHeader && buffer.Length == most)
            {
                numbers.Clear();
            }
        }
    }
}
