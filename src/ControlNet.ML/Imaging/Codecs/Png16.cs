using System.Buffers.Binary;
using System.IO.Compression;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Reads all 16 bits of a PNG file, which the image codec reduces to 8. Sensors and renderers write depth maps this way: grey or
/// color, with or without alpha, interlaced or not.
/// </summary>
internal static class Png16
{
    private const int SampleBytes = 2;
    private const int HeaderAt = 16;

    // Adam7 (PNG specification, 8.1): the first column and row of each pass, and the steps between its pixels.
    private static readonly (int X, int Y, int Across, int Down)[] Interlaced =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    private static readonly (int X, int Y, int Across, int Down)[] Plain = [(0, 0, 1, 1)];

    /// <summary>Whether a file is a PNG with 16 bits per sample.</summary>
    /// <param name="file">The file, from its signature on.</param>
    public static bool Is(ReadOnlySpan<byte> file) =>
        file.Length > HeaderAt + 13 && file.StartsWith(PngChunks.Signature) && file[12..16].SequenceEqual("IHDR"u8)
            && file[HeaderAt + 8] == 16;

    /// <summary>
    /// Reads the grey values, 0 to 65,535; colors are converted with the weights of <see cref="Color.Grey"/>. Alpha is not applied.
    /// </summary>
    /// <param name="file">The output of <see cref="PngInput"/>, whose header, checksums and size are checked.</param>
    /// <param name="source">The file's name, for errors.</param>
    /// <exception cref="ControlNetException">The pixels are damaged or cut off.</exception>
    public static FloatMap Read(ReadOnlySpan<byte> file, string source)
    {
        var header = file[HeaderAt..];
        var (width, height) = (BinaryPrimitives.ReadInt32BigEndian(header), BinaryPrimitives.ReadInt32BigEndian(header[4..]));
        var channels = header[9] switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        using var packed = new MemoryStream();
        var position = PngChunks.Signature.Length;
        while (PngChunks.Next(file, ref position, out var chunk))
        {
            if (chunk.Type.SequenceEqual("IDAT"u8))
                packed.Write(chunk.Data);
        }

        packed.Position = 0;
        var map = new FloatMap(width, height);
        try
        {
            // No more is decompressed than the size in the header needs.
            using var stream = new ZLibStream(packed, CompressionMode.Decompress);
            foreach (var (x, y, across, down) in header[12] == 1 ? Interlaced : Plain)
                ReadPass(stream, map, channels, (x, y, across, down), source);
            return map;
        }
        catch (Exception e) when (e is EndOfStreamException or InvalidDataException)
        {
            throw ImageCodec.NoImage(source, "the file is cut off or damaged within the pixels");
        }
    }

    private static void ReadPass(ZLibStream stream, FloatMap map, int channels, (int X, int Y, int Across, int Down) pass, string source)
    {
        var columns = (map.Width - pass.X + pass.Across - 1) / pass.Across;
        if (columns <= 0)
            return;
        var pixel = channels * SampleBytes;
        var (above, line) = (new byte[columns * pixel], new byte[columns * pixel]);
        for (var y = pass.Y; y < map.Height; y += pass.Down)
        {
            var filter = stream.ReadByte();
            stream.ReadExactly(line);
            Unfilter(filter, line, above, pixel, source);
            for (var i = 0; i < columns; i++)
                map.Values[(y * map.Width) + pass.X + (i * pass.Across)] = Grey(line.AsSpan(i * pixel), channels);
            (above, line) = (line, above);
        }
    }

    private static float Grey(ReadOnlySpan<byte> pixel, int channels)
    {
        long first = BinaryPrimitives.ReadUInt16BigEndian(pixel);
        if (channels < 3)
            return first;
        long green = BinaryPrimitives.ReadUInt16BigEndian(pixel[2..]), blue = BinaryPrimitives.ReadUInt16BigEndian(pixel[4..]);
        return ((9798 * first) + (19235 * green) + (3735 * blue) + (1 << 14)) >> 15;
    }

    /// <summary>Undoes a line's filter (PNG specification, chapter 9).</summary>
    private static void Unfilter(int filter, byte[] line, byte[] above, int pixel, string source)
    {
        for (var i = 0; i < line.Length; i++)
        {
            int left = i >= pixel ? line[i - pixel] : 0, up = above[i], corner = i >= pixel ? above[i - pixel] : 0;
            line[i] += filter switch
            {
                0 => 0,
                1 => (byte)left,
                2 => (byte)up,
                3 => (byte)((left + up) / 2),
                4 => (byte)Nearest(left, up, corner),
                _ => throw ImageCodec.NoImage(source, $"a line has the filter {filter}, expected 0 to 4"),
            };
        }
    }

    private static int Nearest(int left, int up, int corner)
    {
        var (toLeft, toUp, toCorner) = (Math.Abs(up - corner), Math.Abs(left - corner), Math.Abs(left + up - (2 * corner)));
        return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }
}
