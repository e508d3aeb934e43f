using System.Buffers.Binary;
using System.Text;

namespace ControlNet.ML.Imaging;

/// <summary>The chunks of a PNG file: length, type, data, checksum.</summary>
internal static class PngChunks
{
    private const int Overhead = 12;
    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(TableEntry)];

    /// <summary>The first eight bytes of every PNG file.</summary>
    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a];

    /// <summary>
    /// Reads the next chunk; false at the end of the file, which may be cut off. A chunk longer than the file counts as its end:
    /// nothing is allocated for a length that a file claims.
    /// </summary>
    /// <param name="file">The whole file.</param>
    /// <param name="position">The offset of the chunk; advanced to the next one.</param>
    /// <param name="chunk">The chunk.</param>
    public static bool Next(ReadOnlySpan<byte> file, ref int position, out PngChunk chunk)
    {
        chunk = default;
        if (file.Length - position < Overhead)
            return false;
        var length = BinaryPrimitives.ReadUInt32BigEndian(file[position..]);
        if (length > file.Length - position - Overhead)
            return false;
        var body = file.Slice(position + 4, 4 + (int)length);
        var sum = BinaryPrimitives.ReadUInt32BigEndian(file[(position + 4 + body.Length)..]);
        chunk = new PngChunk(body[..4], body[4..], sum == Checksum(body));
        position += Overhead + (int)length;
        return true;
    }

    /// <summary>Writes a chunk.</summary>
    public static void Write(Stream target, string type, ReadOnlySpan<byte> data)
    {
        var chunk = new byte[Overhead + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        Encoding.ASCII.GetBytes(type, chunk.AsSpan(4));
        data.CopyTo(chunk.AsSpan(8));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), Checksum(chunk.AsSpan(4, 4 + data.Length)));
        target.Write(chunk);
    }

    // CRC-32 of ISO 3309, as in annex D of the PNG specification.
    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var sum = uint.MaxValue;
        foreach (var b in bytes)
            sum = Table[(byte)(sum ^ b)] ^ (sum >> 8);
        return ~sum;
    }

    private static uint TableEntry(int index)
    {
        var entry = (uint)index;
        for (var bit = 0; bit < 8; bit++)
            entry = (entry & 1) == 0 ? entry >> 1 : 0xEDB88320u ^ (entry >> 1);
        return entry;
    }
}

/// <summary>One chunk of a PNG file.</summary>
/// <param name="type">Four letters.</param>
/// <param name="data">Its data.</param>
/// <param name="intact">Whether its checksum is correct.</param>
internal readonly ref struct PngChunk(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data, bool intact)
{
    /// <summary>Four letters.</summary>
    public ReadOnlySpan<byte> Type { get; } = type;

    /// <summary>Its data.</summary>
    public ReadOnlySpan<byte> Data { get; } = data;

    /// <summary>Whether its checksum is correct.</summary>
    public bool IsIntact { get; } = intact;
}
