using System.Buffers.Binary;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Prepares a PNG file for the decoder: checks the size first, and keeps only the chunks that determine the pixels.
/// Color profiles and texts (which may inflate to any size) and gamma never reach the decoder: levels are used as stored, as in Pillow.
/// </summary>
internal static class PngInput
{
    /// <summary>Checks a file and reduces it to its pixels and their orientation.</summary>
    /// <exception cref="ControlNetException">The file is damaged or cut off, or the image too large.</exception>
    public static (byte[] Pixels, int Orientation) Read(ReadOnlySpan<byte> file, string source, long maxPixels)
    {
        var position = PngChunks.Signature.Length;
        if (!PngChunks.Next(file, ref position, out var header) || !header.Type.SequenceEqual("IHDR"u8) || header.Data.Length != 13)
            throw ImageCodec.NoImage(source, "its PNG header is missing or cut off");
        if (!header.IsIntact)
            throw ImageCodec.NoImage(source, "the checksum of its PNG header is wrong");
        ImageCodec.CheckSize(
            source, BinaryPrimitives.ReadInt32BigEndian(header.Data), BinaryPrimitives.ReadInt32BigEndian(header.Data[4..]), maxPixels);

        var orientation = 1;
        using var kept = new MemoryStream(file.Length);
        kept.Write(file[..position]);
        for (var start = position; PngChunks.Next(file, ref position, out var chunk); start = position)
        {
            if (chunk.IsIntact && chunk.Type.SequenceEqual("eXIf"u8))
                orientation = ExifOrientation.Find(chunk.Data);
            var critical = char.IsAsciiLetterUpper((char)chunk.Type[0]);
            if (!critical && !chunk.Type.SequenceEqual("tRNS"u8))
                continue;
            if (!chunk.IsIntact)
                throw ImageCodec.NoImage(source, "a checksum of its PNG data is wrong: the file is damaged");
            kept.Write(file[start..position]);
            if (chunk.Type.SequenceEqual("IEND"u8))
            {
                ImageCapacity.CheckPng(source, header.Data, kept.Length);
                return (kept.ToArray(), orientation);
            }
        }

        throw ImageCodec.NoImage(source, "the file is cut off: it has no end mark");
    }
}
