using System.Buffers.Binary;

namespace ControlNet.ML.Imaging;

/// <summary>Reads the orientation from Exif data: Skia reads it from JPEG and WebP, but not from a PNG's eXIf chunk.</summary>
internal static class ExifOrientation
{
    private const ushort Tag = 0x0112;
    private const ushort Short = 3;
    private const int EntrySize = 12;

    /// <summary>The orientation, 1 to 8; 1 (upright) if there is none or the data is damaged.</summary>
    /// <param name="exif">The Exif data, from its TIFF header on.</param>
    public static int Find(ReadOnlySpan<byte> exif)
    {
        var little = exif.StartsWith("II*\0"u8);
        if (exif.Length < 8 || (!little && !exif.StartsWith("MM\0*"u8)))
            return 1;
        var directory = little ? BinaryPrimitives.ReadUInt32LittleEndian(exif[4..]) : BinaryPrimitives.ReadUInt32BigEndian(exif[4..]);
        if (directory > exif.Length - 2)
            return 1;
        var count = Word(exif[(int)directory..]);
        var entries = exif[((int)directory + 2)..];
        for (var i = 0; i < count && entries.Length >= EntrySize; i++, entries = entries[EntrySize..])
        {
            if (Word(entries) == Tag && Word(entries[2..]) == Short)
                return Word(entries[8..]) is var orientation and >= 1 and <= 8 ? orientation : 1;
        }

        return 1;

        ushort Word(ReadOnlySpan<byte> at) =>
            little ? BinaryPrimitives.ReadUInt16LittleEndian(at) : BinaryPrimitives.ReadUInt16BigEndian(at);
    }
}
