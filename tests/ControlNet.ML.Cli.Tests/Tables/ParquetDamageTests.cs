using System.Buffers.Binary;
using ControlNet.ML.Cli.Tables;
using Parquet;
using Parquet.Meta;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tests.Tables;

/// <summary>Whatever a Parquet file claims, it is read, or refused by its name, and nobody waits for ever.</summary>
public sealed class ParquetDamageTests : IDisposable
{
    private const int Seed = 20_240_507;

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Every_cut_and_a_thousand_changed_bytes_are_read_or_refused_by_the_files_name()
    {
        var sound = await TableAsync();
        var random = new Random(Seed);
        for (var length = 0; length < sound.Length; length += 7)
            ReadOrRefused(sound[..length]);
        for (var i = 0; i < 1000; i++)
        {
            var damaged = (byte[])sound.Clone();

            // Half of them in the footer, which has the counts.
            var place = i % 2 == 0 ? random.Next(sound.Length) : sound.Length - 1 - random.Next(FooterLength(sound) + 8);
            damaged[place] = (byte)random.Next(256);
            ReadOrRefused(damaged);
        }
    }

    [Theory]
    [InlineData(new byte[] { 0x15, 0xff, 0xff, 0xff }, "it is cut off")]
    [InlineData(new byte[] { 0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 }, "a number has no end")]
    [InlineData(new byte[] { 0x15, 0x02, 0x19, 0xfc, 0xff, 0xff, 0x7f, 0x00 }, "a list claims 2,097,151 items")]
    [InlineData(new byte[] { 0x19, 0x15, 0x02 }, "field 1 has the type List, expected I32")]
    [InlineData(new byte[] { 0x15, 0x02, 0x19, 0x15, 0x02 }, "a list holds values of type I32, expected Struct")]
    [InlineData(new byte[] { 0x15, 0x02, 0xfe }, "the unknown type 14")]
    [InlineData(new byte[] { 0x68, 0xff, 0x01 }, "a value claims 255 bytes")]
    public async Task A_footer_that_would_lead_the_library_astray_is_refused_before_it_sees_it(byte[] footer, string why)
    {
        var sound = await TableAsync();
        byte[] damaged = [.. sound[..^(FooterLength(sound) + 8)], .. footer, .. BitConverter.GetBytes(footer.Length), .. "PAR1"u8];
        var message = Refused(damaged);
        Assert.Contains("its footer cannot be read", message, StringComparison.Ordinal);
        Assert.Contains(why, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Structures_within_structures_are_bounded()
    {
        // Field 200, which nobody knows: a structure in a structure, and so on.
        byte[] footer = [.. Enumerable.Repeat<byte>(0xfc, 100_000)];
        Assert.Contains("too deep", Refused([.. "PAR1"u8, .. footer, .. BitConverter.GetBytes(footer.Length), .. "PAR1"u8]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(20_000, "its schema is deeper than 100 levels")]
    [InlineData(1_000_000, "its schema is deeper than 100 levels")]
    [InlineData(90, null)]
    public void A_schema_that_would_overflow_the_stack_is_refused_before_the_library_goes_down_it(int levels, string? why)
    {
        var file = WithSchema(0, [.. Enumerable.Repeat<long?>(1, levels), null]);
        if (why is null)
            Assert.Equal(0, TableReader.Open(_folder.Write("t.parquet", file)).CountRows(default));
        else
            Assert.Contains(why, Refused(file), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new[] { int.MaxValue, 0 }, "element 0 of its schema claims 2,147,483,647 children, but 1 elements follow")]
    [InlineData(new[] { 1, -1 }, "element 1 of its schema claims -1 children")]
    [InlineData(new[] { 1, 0, 0 }, "its schema has 1 more elements")]
    [InlineData(new int[0], "its schema ends too early")]
    public void A_schema_that_is_no_tree_is_refused(int[] children, string why) =>
        Assert.Contains(why, Refused(WithSchema(0, [.. children.Select(count => (long?)count)])), StringComparison.Ordinal);

    [Fact]
    public void A_field_that_is_there_twice_is_refused_since_only_one_of_them_is_looked_at()
    {
        byte[] footer = [0x15, 0x02, 0x19, 0x0c, 0x09, 0x04, 0x0c, 0x00];
        Assert.Contains("field 2 occurs twice", Refused(Around(footer)), StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_that_no_group_has_are_missed() =>
        Assert.Contains("it claims 1,000 rows, but its row groups have 0", Refused(WithSchema(1000, [1, null])), StringComparison.Ordinal);

    [Fact]
    public async Task An_encrypted_file_is_called_that()
    {
        var sound = await TableAsync();
        Assert.Contains("it is encrypted", Refused([.. "PARE"u8, .. sound[4..^4], .. "PARE"u8]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, 0, 10, "row group 0 claims -1 rows")]
    [InlineData(1L << 40, 0, 10, "rows, expected 0 to 16,777,216")]
    [InlineData(2, -5, 10, "the column 'a' of row group 0 claims the bytes")]
    [InlineData(2, 4, 100, "but the file has 100")]
    [InlineData(2, long.MaxValue, long.MaxValue, "the column 'a' of row group 0 claims the bytes")]
    public void Claims_that_cannot_be_true_are_refused_before_anything_is_allocated(long rows, long start, long length, string why)
    {
        var column = new ColumnMetaData { PathInSchema = ["a"], DataPageOffset = start, TotalCompressedSize = length, NumValues = 2, Encodings = [] };
        var metadata = new FileMetaData { RowGroups = [new RowGroup { NumRows = rows, Columns = [new ColumnChunk { MetaData = column }] }], Schema = [] };
        Assert.Contains(why, Assert.Throws<ControlNetException>(() => new ParquetGuard("t.parquet", default).Check(metadata, 100)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_has_no_end_is_given_up_with_the_files_name()
    {
        using var end = new ManualResetEventSlim();
        var guard = new ParquetGuard("t.parquet", default) { Patience = TimeSpan.FromMilliseconds(20) };
        var message = Assert.Throws<ControlNetException>(() => guard.Run("its footer", 0, () => end.Wait(Timeout.Infinite))).Message;
        end.Set();
        Assert.StartsWith("t.parquet: its footer cannot be read: reading has not ended after", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Waiting_can_be_cancelled()
    {
        using var end = new ManualResetEventSlim();
        using var source = new CancellationTokenSource();
        var guard = new ParquetGuard("t.parquet", source.Token);
        Assert.ThrowsAny<OperationCanceledException>(() => guard.Run("its footer", 0, () =>
        {
            source.Cancel();
            return end.Wait(Timeout.Infinite);
        }));
        end.Set();
    }

    [Fact]
    public void What_the_library_throws_is_said_with_the_files_name()
    {
        var guard = new ParquetGuard("t.parquet", default);
        var message = Assert.Throws<ControlNetException>(() => guard.Run<int>("the column 'a'", 0, () => throw new FormatException("beyond"))).Message;
        Assert.Equal("t.parquet: the column 'a' cannot be read as Parquet: beyond", message);
    }

    public void Dispose() => _folder.Dispose();

    private static int FooterLength(byte[] file) => (int)BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(file.Length - 8));

    private static async Task<byte[]> TableAsync()
    {
        DataField[] fields = [new("row", typeof(long), isNullable: false), new("ok", typeof(bool), isNullable: true), new("prompt", typeof(string), isNullable: true), new("scale", typeof(double), isNullable: true)];
        using var stream = new MemoryStream();
        await using (var writer = await ParquetWriter.CreateAsync(new ParquetSchema([.. fields]), stream))
        {
            for (var g = 0; g < 2; g++)
            {
                using var group = writer.CreateRowGroup();
                await group.WriteAsync<long>(fields[0], new[] { 10L + g, 20 + g, 30 + g }.AsMemory());
                ParquetValues.Write(group, fields[1], [true, null, false]);
                ParquetValues.Write(group, fields[2], ["a", null, "a tiger"]);
                ParquetValues.Write(group, fields[3], [3.0, 4.0, null]);
            }
        }

        return stream.ToArray();
    }

    /// <summary>A file of a schema and no row groups.</summary>
    /// <param name="rows">The rows that its footer claims.</param>
    /// <param name="children">The children that each element claims; null for a column of texts.</param>
    private static byte[] WithSchema(long rows, long?[] children)
    {
        // In Thrift's compact protocol: version 1, the list of elements, the rows, no row groups.
        List<byte> footer = [0x15, 0x02, 0x19, 0xfc, .. Unsigned((ulong)children.Length)];
        foreach (var count in children)
        {
            if (count is { } own)
                footer.AddRange([0x35, 0x00, 0x18, 0x01, (byte)'a', 0x15, .. Unsigned((ulong)((own << 1) ^ (own >> 63))), 0x00]);
            else
                footer.AddRange([0x15, 0x0c, 0x25, 0x02, 0x18, 0x01, (byte)'a', 0x25, 0x00, 0x00]);
        }

        footer.AddRange([0x16, .. Unsigned((ulong)rows << 1), 0x19, 0x0c, 0x00]);
        return Around([.. footer]);
    }

    private static byte[] Around(byte[] footer) => [.. "PAR1"u8, .. footer, .. BitConverter.GetBytes(footer.Length), .. "PAR1"u8];

    private static IEnumerable<byte> Unsigned(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            yield return (byte)(value | 0x80);
        yield return (byte)value;
    }

    private void ReadOrRefused(byte[] content)
    {
        var path = _folder.Write("t.parquet", content);
        try
        {
            var table = TableReader.Open(path);
            Assert.All(table.Read([.. Enumerable.Range(0, table.Columns.Count)]), row => Assert.Equal(table.Columns.Count, row.Values.Length));
        }
        catch (ControlNetException e)
        {
            Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
        }
    }

    private string Refused(byte[] content)
    {
        var path = _folder.Write("t.parquet", content);
        var message = Assert.Throws<ControlNetException>(() => TableReader.Open(path)).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        return message;
    }
}
