using System.Buffers.Binary;
using System.Text;

namespace ControlNet.ML.Weights.Pickles;

/// <summary>
/// The directory of a zip archive as <c>torch.save</c> writes it: the entries are stored, not compressed, so that each is a range of the
/// file. Nothing is ever unpacked.
/// </summary>
/// <remarks>Source: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.3 (zip64).</remarks>
internal sealed class TorchZip
{
    private const int EndLength = 22;
    private const int LongestComment = 65_535;
    private const int DirectoryEntryLength = 46;
    private const int LocalHeaderLength = 30;
    private const uint Zip64Mark = uint.MaxValue;

    // A storage for each tensor and a few more; the largest models have some thousands.
    private const int MostEntries = 1_000_000;

    private readonly Dictionary<string, (long Offset, long Length)> _entries = [];
    private readonly string _file;
    private readonly long _length;
    private readonly ReadBytes _read;

    /// <param name="file">The file's name in messages.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="read">Reads bytes of it.</param>
    /// <exception cref="ControlNetException">It is not a zip archive of stored entries, or is damaged.</exception>
    public TorchZip(string file, long length, ReadBytes read)
    {
        (_file, _length, _read) = (file, length, read);
        var (position, bytes, count) = Directory();
        if (count > MostEntries)
            throw Bad($"has {count:N0} entries, expected at most {MostEntries:N0}");
        var end = position + bytes;
        for (var i = 0L; i < count; i++)
            position = Add(position, end);
        if (position != end)
            throw Bad($"its directory has more than the {count:N0} entries that it states");
    }

    /// <summary>Reads a range that is inside of the file.</summary>
    public delegate ReadOnlySpan<byte> ReadBytes(long offset, int length);

    /// <summary>The names of the entries.</summary>
    public IEnumerable<string> Names => _entries.Keys;

    /// <summary>The range of an entry's bytes in the file; null if there is no such entry.</summary>
    public (long Offset, long Length)? Find(string name) => _entries.TryGetValue(name, out var range) ? range : null;

    /// <summary>Where the directory is, and how many entries it has.</summary>
    private (long Offset, long Length, long Count) Directory()
    {
        var tail = (int)Math.Min(_length, EndLength + LongestComment);
        var last = _read(_length - tail, tail);
        var at = tail - EndLength;
        while (at >= 0 && !(last[at..].StartsWith("PK\u0005\u0006"u8) && U16(last, at + 20) == tail - at - EndLength))
            at--;
        if (at < 0)
            throw new ControlNetException($"{_file}: the end of its directory is missing: is this file complete?");
        var end = _length - tail + at;
        var (count, length, offset) = ((long)U16(last, at + 10), (long)U32(last, at + 12), (long)U32(last, at + 16));
        if (U16(last, at + 4) != 0 || U16(last, at + 6) != 0)
            throw Bad("is one of several volumes");
        if (count == ushort.MaxValue || length == Zip64Mark || offset == Zip64Mark)
            (count, length, offset, end) = Directory64(end);
        return offset < 0 || length < 0 || count < 0 || offset > end || length > end - offset || count > length / DirectoryEntryLength
            ? throw Bad($"its directory ({count:N0} entries, {length:N0} bytes at {offset:N0}) is not inside of the file")
            : (offset, length, count);
    }

    /// <summary>The zip64 record, which the locator before the end points to.</summary>
    private (long Count, long Length, long Offset, long End) Directory64(long end)
    {
        const int locatorLength = 20, recordLength = 56;
        if (end < locatorLength + recordLength || !_read(end - locatorLength, 4).SequenceEqual("PK\u0006\u0007"u8))
            throw Bad("its directory is marked as zip64, but has no zip64 record");
        var record = I64(_read(end - locatorLength, locatorLength), 8);
        if (record < 0 || record > end - locatorLength - recordLength || !_read(record, 4).SequenceEqual("PK\u0006\u0006"u8))
            throw Bad("its zip64 record is not where it is said to be");
        var fields = _read(record, recordLength);
        return (I64(fields, 32), I64(fields, 40), I64(fields, 48), record);
    }

    /// <summary>Reads one entry of the directory and its local header; gives the position of the next one.</summary>
    private long Add(long position, long end)
    {
        if (position > end - DirectoryEntryLength)
            throw Bad("its directory is cut");
        var header = _read(position, DirectoryEntryLength);
        int nameLength = U16(header, 28), extraLength = U16(header, 30), commentLength = U16(header, 32);
        if (!header.StartsWith("PK\u0001\u0002"u8) || position > end - DirectoryEntryLength - nameLength - extraLength - commentLength)
            throw Bad("its directory is damaged");
        var nameBytes = _read(position + DirectoryEntryLength, nameLength);
        var name = Encoding.UTF8.GetString(nameBytes);
        var (stored, size, offset) = ((long)U32(header, 20), (long)U32(header, 24), (long)U32(header, 42));
        var extra = _read(position + DirectoryEntryLength + nameLength, extraLength);
        Zip64(extra, name, ref size, ref stored, ref offset);

        if ((U16(header, 8) & 1) != 0)
            throw Bad($"{Message.Name(name)} is encrypted");
        if (U16(header, 10) is not 0 and var method)
            throw Bad(
                $"{Message.Name(name)} is compressed (method {method}); torch.save stores entries as they are: pack the file again "
                    + "without compression");
        if (stored != size)
            throw Bad($"{Message.Name(name)} has {size:N0} bytes and {stored:N0} stored ones, expected as many");
        if (!_entries.TryAdd(name, (DataOffset(name, nameBytes, offset, size), size)))
            throw Bad($"contains {Message.Name(name)} twice");
        return position + DirectoryEntryLength + nameLength + extraLength + commentLength;
    }

    /// <summary>The fields that have no room in 32 bits, in the order in which the directory has them.</summary>
    private void Zip64(ReadOnlySpan<byte> extra, string name, ref long size, ref long stored, ref long offset)
    {
        if (size != Zip64Mark && stored != Zip64Mark && offset != Zip64Mark)
            return;
        while (extra.Length >= 4)
        {
            int id = U16(extra, 0), length = U16(extra, 2);
            if (length > extra.Length - 4)
                break;
            if (id == 1)
            {
                var fields = extra.Slice(4, length);
                Next(ref fields, ref size);
                Next(ref fields, ref stored);
                Next(ref fields, ref offset);
                return;
            }

            extra = extra[(4 + length)..];
        }

        throw Bad($"the size of {Message.Name(name)} is marked as zip64, but is not given");

        void Next(ref ReadOnlySpan<byte> fields, ref long value)
        {
            if (value != Zip64Mark)
                return;
            if (fields.Length < 8)
                throw Bad($"the size of {Message.Name(name)} is marked as zip64, but is not given");
            value = I64(fields, 0);
            fields = fields[8..];
        }
    }

    /// <summary>Where an entry's bytes begin: behind its local header, which has to say the same as the directory.</summary>
    private long DataOffset(string name, ReadOnlySpan<byte> nameBytes, long offset, long size)
    {
        if (offset < 0 || size < 0 || offset > _length - LocalHeaderLength || size > _length)
            throw Bad($"{Message.Name(name)} ({size:N0} bytes at {offset:N0}) is not inside of the file");
        var local = _read(offset, LocalHeaderLength);
        int nameLength = U16(local, 26), extraLength = U16(local, 28);
        var data = offset + LocalHeaderLength + nameLength + extraLength;
        if (!local.StartsWith("PK\u0003\u0004"u8) || nameLength != nameBytes.Length || data > _length - size
            || !_read(offset + LocalHeaderLength, nameLength).SequenceEqual(nameBytes))
            throw Bad($"{Message.Name(name)} ({size:N0} bytes at {offset:N0}) is not where the directory says");

        // A writer that streams (bit 3) states the size behind the data, and 0 here.
        var streamed = (U16(local, 6) & 8) != 0;
        return U32(local, 22) is var stated && stated != size && stated != Zip64Mark && !(streamed && stated == 0)
            ? throw Bad($"{Message.Name(name)} has {size:N0} bytes in the directory and {stated:N0} in its own header")
            : data;
    }

    private static int U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long I64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    private ControlNetException Bad(string what) => new($"{_file}: {what}.");
}
