using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace ControlNet.ML.Tests.Imaging;

/// <summary>Writes PNG files of any depth and colour type, which our encoder never makes.</summary>
internal static class PngWriter
{
    public static byte[] File(int width, int height, byte depth, byte type, byte[] row, params (string Type, byte[] Data)[] chunks) =>
        File(width, height, depth, type, [row], chunks);

    public static byte[] File(int width, int height, byte depth, byte type, byte[] first, byte[] second, params (string Type, byte[] Data)[] chunks) =>
        File(width, height, depth, type, [first, second], chunks);

    private static byte[] File(int width, int height, byte depth, byte type, byte[][] rows, (string Type, byte[] Data)[] chunks)
    {
        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (depth, type);
        Chunk(file, "IHDR", header);
        foreach (var (name, data) in chunks)
            Chunk(file, name, data);
        using var packed = new MemoryStream();
        using (var deflate = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            foreach (var row in rows)
                deflate.Write([0, .. row]);
        }

        Chunk(file, "IDAT", packed.ToArray());
        Chunk(file, "IEND", []);
        return file.ToArray();
    }

    private static void Chunk(MemoryStream file, string type, byte[] data)
    {
        byte[] body = [.. Encoding.ASCII.GetBytes(type), .. data];
        var word = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(word, data.Length);
        file.Write(word);
        file.Write(body);
        var sum = uint.MaxValue;
        foreach (var b in body)
        {
            sum ^= b;
            for (var bit = 0; bit < 8; bit++)
                sum = (sum >> 1) ^ ((sum & 1) * 0xEDB88320u);
        }

        BinaryPrimitives.WriteUInt32BigEndian(word, ~sum);
        file.Write(word);
    }
}
