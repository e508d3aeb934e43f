using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace ControlNet.ML.TestSupport;

/// <summary>Writes PNG files of any bit depth and color type, which the library's encoder never writes.</summary>
internal static class PngWriter
{
    private static readonly (int X, int Y, int Across, int Down)[] Adam7 =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    public static byte[] File(int width, int height, byte depth, byte type, byte[] row, params (string Type, byte[] Data)[] chunks) =>
        File(width, height, depth, type, [row], chunks);

    public static byte[] File(
        int width, int height, byte depth, byte type, byte[] first, byte[] second, params (string Type, byte[] Data)[] chunks) =>
        File(width, height, depth, type, [first, second], chunks);

    /// <summary>A 16-bit file; color channels, if any, are equal.</summary>
    /// <param name="width">Columns.</param>
    /// <param name="values">The grey values, row by row.</param>
    /// <param name="type">PNG's color type: 0 grey, 2 RGB, 4 grey with alpha, 6 RGBA.</param>
    /// <param name="interlaced">Whether to interlace by Adam7.</param>
    /// <param name="alpha">The alpha of every pixel.</param>
    /// <param name="chunks">Additional chunks.</param>
    public static byte[] Deep(
        int width,
        ushort[] values,
        byte type = 0,
        bool interlaced = false,
        ushort alpha = ushort.MaxValue,
        params (string Type, byte[] Data)[] chunks)
    {
        var height = values.Length / width;
        List<byte[]> rows = [];
        foreach (var (x, y, across, down) in interlaced ? Adam7 : [(0, 0, 1, 1)])
        {
            for (var row = y; row < height && x < width; row += down)
            {
                List<byte> line = [];
                for (var column = x; column < width; column += across)
                    line.AddRange(Pixel(values[(row * width) + column], type, alpha));
                rows.Add([.. line]);
            }
        }

        return File(width, height, 16, type, [.. rows], chunks, interlaced);
    }

    private static byte[] Pixel(ushort value, byte type, ushort alpha)
    {
        ushort[] samples = type switch { 0 => [value], 2 => [value, value, value], 4 => [value, alpha], _ => [value, value, value, alpha] };
        return [.. samples.SelectMany(sample => new[] { (byte)(sample >> 8), (byte)sample })];
    }

    public static byte[] File(
        int width, int height, byte depth, byte type, byte[][] rows, (string Type, byte[] Data)[] chunks, bool interlaced = false)
    {
        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = (depth, type, interlaced ? (byte)1 : (byte)0);
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
