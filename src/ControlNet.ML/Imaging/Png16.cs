using System.Buffers.Binary;
using System.IO.Compression;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Reads all 16 bits of a grey PNG file, which the codec for pictures would reduce to 8. Depth maps come so from sensors and renderers.
/// </summary>
internal static class Png16
{
    private const int HeaderLength = 13;
    private const int SampleBytes = 2;

    /// <summary>Whether a file is a PNG of 16-bit grey.</summary>
    public static bool Is(ReadOnlySpan<byte> file) =>
        file.StartsWith(PngChunks.Signature) && file.Length > 33 && file[12..16].SequenceEqual("IHDR"u8) && file[24] == 16 && file[25] == 0;

    /// <summary>Reads its values, 0 to 65,535.</summary>
    /// <exception cref="ControlNetException">It is damaged, cut off, interlaced or too large.</exception>
    public static FloatMap Read(ReadOnlySpan<byte> file, string source, long maxPixels)
    {
        var position = PngChunks.Signature.Length;
        if (!PngChunks.Next(file, ref position, out var header) || header.Data.Length != HeaderLength || !header.IsIntact)
            throw ImageCodec.NoPicture(source, "its PNG header is damaged");
        var (width, height) = (BinaryPrimitives.ReadInt32BigEndian(header.Data), BinaryPrimitives.ReadInt32BigEndian(header.Data[4..]));
        ImageCodec.CheckSize(source, width, height, maxPixels);
        if (header.Data[12] != 0)
            throw new ControlNetException($"{source} is an interlaced PNG of 16 bits, which cannot be read: save it without interlacing.");

        using var packed = new MemoryStream();
        var ended = false;
        while (!ended && PngChunks.Next(file, ref position, out var chunk))
        {
            if (chunk.Type.SequenceEqual("IDAT"u8))
            {
                if (!chunk.IsIntact)
                    throw ImageCodec.NoPicture(source, "a checksum of its PNG data is wrong: the file is damaged");
                packed.Write(chunk.Data);
            }

            ended = chunk.Type.SequenceEqual("IEND"u8);
        }

        if (!ended)
            throw ImageCodec.NoPicture(source, "the file is cut off: it has no end mark");
        ImageCapacity.CheckPng(source, header.Data, packed.Length);
        packed.Position = 0;
        return Unpack(packed, source, width, height);
    }

    private static FloatMap Unpack(Stream packed, string source, int width, int height)
    {
        var map = new FloatMap(width, height);
        var (above, line) = (new byte[width * SampleBytes], new byte[width * SampleBytes]);
        try
        {
            // Never more is unpacked than the header's size asks for.
            using var stream = new ZLibStream(packed, CompressionMode.Decompress);
            for (var y = 0; y < height; y++)
            {
                var filter = stream.ReadByte();
                stream.ReadExactly(line);
                Unfilter(filter, line, above, source);
                for (var x = 0; x < width; x++)
                    map.Values[(y * width) + x] = BinaryPrimitives.ReadUInt16BigEndian(line.AsSpan(x * SampleBytes));
                (above, line) = (line, above);
            }

            return map;
        }
        catch (Exception e) when (e is EndOfStreamException or InvalidDataException)
        {
            throw ImageCodec.NoPicture(source, "the file is cut off or damaged within the pixels");
        }
    }

    /// <summary>Undoes a line's filter (PNG specification, chapter 9), a byte of the same kind lying a sample to the left.</summary>
    private static void Unfilter(int filter, byte[] line, byte[] above, string source)
    {
        for (var i = 0; i < line.Length; i++)
        {
            int left = i >= SampleBytes ? line[i - SampleBytes] : 0, up = above[i], corner = i >= SampleBytes ? above[i - SampleBytes] : 0;
            line[i] += filter switch
            {
                0 => 0,
                1 => (byte)left,
                2 => (byte)up,
                3 => (byte)((left + up) / 2),
                4 => (byte)Nearest(left, up, corner),
                _ => throw ImageCodec.NoPicture(source, $"a line has the filter {filter}, which there is not"),
            };
        }
    }

    private static int Nearest(int left, int up, int corner)
    {
        var (toLeft, toUp, toCorner) = (Math.Abs(up - corner), Math.Abs(left - corner), Math.Abs(left + up - (2 * corner)));
        return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }
}
