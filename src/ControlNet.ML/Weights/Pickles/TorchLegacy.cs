using System.Buffers.Binary;

namespace ControlNet.ML.Weights.Pickles;

/// <summary>
/// The container that <c>torch.save</c> wrote before version 1.6: five pickles one after the other (a magic number, the version, the
/// system, the object, the keys of the storages), then each storage, with its number of elements before it.
/// </summary>
/// <remarks>Source: torch.serialization, <c>_legacy_load</c>.</remarks>
internal static class TorchLegacy
{
    private const int LongestPickles = 1 << 26;

    // 0x1950a86a20f9469cfc6c has ten bytes, more than any integer here: compared as bytes, with its operation (LONG1).
    private static ReadOnlySpan<byte> Magic => [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.'];

    /// <summary>Reads the object.</summary>
    /// <param name="file">The file's name in messages.</param>
    /// <param name="length">The file's length in bytes.</param>
    /// <param name="read">Reads bytes of it.</param>
    /// <exception cref="ControlNetException">The file is invalid.</exception>
    public static object? Read(string file, long length, TorchZip.ReadBytes read)
    {
        var start = read(0, (int)Math.Min(length, LongestPickles));
        if (start.Length < 2 + Magic.Length || !start[2..].StartsWith(Magic))
            throw new ControlNetException(
                $"{file}: is a Python pickle, but not one that torch.save wrote, expected a state dict of tensors.");
        var position = 2 + Magic.Length;
        if (Next(start, NoStorage) is not 1001L)
            throw new ControlNetException($"{file}: is of another version of torch.save's format, expected 1001.");
        if (Next(start, NoStorage) is not PickleDict system || system.Named.GetValueOrDefault("little_endian") is not true)
            throw new ControlNetException($"{file}: its numbers are big-endian, expected little-endian ones.");

        // Where a storage is follows from those before it: first, the object is read for their types only.
        Dictionary<string, (TensorType? Type, long Count)> claimed = [];
        var objectAt = position;
        Next(start, id =>
        {
            var (key, type, count) = StorageId.Parse(id, file);
            if (claimed.TryGetValue(key, out var known) && known != (type, count))
                throw new ControlNetException($"{file}: storage {Message.Name(key)} has two types or sizes.");
            claimed[key] = (type, count);
            return new PickleStorage(key, type, count, 0, long.MaxValue);
        });
        var keys = Next(start, NoStorage) as PickleList ?? throw new ControlNetException($"{file}: the keys of its storages are no list.");
        var storages = Locate(keys, claimed, file, position, length, read);
        position = objectAt;
        return Next(start, id => Find(id));

        object? Next(ReadOnlySpan<byte> bytes, Func<object?[], PickleStorage> storage)
        {
            var reader = new PickleReader(bytes[position..], file, storage);
            var value = reader.Read();
            position += reader.Position;
            return value;
        }

        PickleStorage NoStorage(object?[] id) => throw new ControlNetException($"{file}: refers to a storage where there can be none.");

        PickleStorage Find(object?[] id)
        {
            var (key, _, _) = StorageId.Parse(id, file);
            var whole = storages.TryGetValue(key, out var found)
                ? found
                : throw new ControlNetException($"{file}: storage {Message.Name(key)} is used, but not stored.");

            // A view of another storage: its key, first element and number of elements.
            return id.Length < 6 || id[5] is null ? whole
                : id[5] is object?[] and [_, long and >= 0 and var first, long and >= 0 and var count]
                    && first <= whole.Count && count <= whole.Count - first
                ? whole with { Count = count, Offset = whole.Offset + (first * Size(whole.Type)), ByteLength = count * Size(whole.Type) }
                : throw new ControlNetException($"{file}: a view of storage {Message.Name(key)} is not inside of it.");
        }
    }

    private static Dictionary<string, PickleStorage> Locate(
        PickleList keys, Dictionary<string, (TensorType? Type, long Count)> claimed, string file, long position, long length,
        TorchZip.ReadBytes read)
    {
        var storages = new Dictionary<string, PickleStorage>();
        foreach (var item in keys.Items)
        {
            if (item is not string key || !claimed.TryGetValue(key, out var claim))
                throw new ControlNetException($"{file}: stores a storage that the object does not use.");
            if (position > length - 8)
                throw Incomplete();
            var count = BinaryPrimitives.ReadInt64LittleEndian(read(position, 8));
            position += 8;
            if (count != claim.Count)
                throw new ControlNetException(
                    $"{file}: storage {Message.Name(key)} has {count:N0} elements in the file and {claim.Count:N0} in the object.");
            if (count > (length - position) / Size(claim.Type))
                throw Incomplete();
            var bytes = count * Size(claim.Type);
            if (!storages.TryAdd(key, new PickleStorage(key, claim.Type, count, position, bytes)))
                throw new ControlNetException($"{file}: stores storage {Message.Name(key)} twice.");
            position += bytes;

            ControlNetException Incomplete() =>
                new($"{file}: ends before storage {Message.Name(key)}: is this file complete?");
        }

        return storages;
    }

    private static int Size(TensorType? type) => type?.Size() ?? 1;
}
