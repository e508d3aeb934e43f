using System.Buffers.Binary;
using System.Text;

namespace ControlNet.ML.Torch.Native;

/// <summary>Sections and numbers of a 64-bit little-endian ELF library; all reads are checked against the file's bounds.</summary>
internal readonly ref struct ElfFile
{
    private const int HeaderSize = 64, SectionSize = 64;

    /// <param name="bytes">The whole file.</param>
    /// <exception cref="InvalidDataException">The file is not such a library, or a table exceeds it.</exception>
    public ElfFile(ReadOnlySpan<byte> bytes)
    {
        Bytes = bytes;
        if (bytes.Length < HeaderSize || !bytes.StartsWith<byte>([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1]))
            throw new InvalidDataException("not a 64-bit little-endian ELF file");

        var table = Long(40);
        var sections = new Section[Short(60)];
        for (var i = 0; i < sections.Length; i++)
        {
            var at = Checked(table + ((long)i * SectionSize), SectionSize);
            sections[i] = new Section(Int(at + 4), Long(at + 24), Long(at + 32), (int)Int(at + 40));
        }

        Sections = sections;
    }

    /// <summary>The whole file.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>Its sections, in the order that links refer to.</summary>
    public IReadOnlyList<Section> Sections { get; }

    /// <param name="Type">SHT_….</param>
    /// <param name="Offset">Offset in the file in bytes; not checked.</param>
    /// <param name="Size">Size in bytes; not checked.</param>
    /// <param name="Link">The section that it refers to.</param>
    public sealed record Section(uint Type, long Offset, long Size, int Link);

    /// <summary>The section that a section refers to, for instance its strings.</summary>
    public Section Linked(Section section) => (uint)section.Link < (uint)Sections.Count
        ? Sections[section.Link]
        : throw new InvalidDataException("it is damaged: a section refers to one that does not exist");

    /// <summary>The bytes of a section.</summary>
    public ReadOnlySpan<byte> Content(Section section) => section.Size is >= 0 and <= int.MaxValue
        ? Bytes.Slice(Checked(section.Offset, (int)section.Size), (int)section.Size)
        : throw new InvalidDataException("it is damaged: a section exceeds the file");

    /// <summary>The zero-terminated string at an offset of a string section.</summary>
    public string Name(Section strings, uint offset)
    {
        var text = Bytes[Checked(strings.Offset + offset, 1)..];
        var end = text.IndexOf((byte)0);
        return Encoding.ASCII.GetString(end < 0 ? text : text[..end]);
    }

    /// <summary>Checks that an offset is followed by a number of bytes.</summary>
    public int Checked(long offset, int length) =>
        offset >= 0 && offset <= Bytes.Length - length
            ? (int)offset
            : throw new InvalidDataException("it is damaged: an offset exceeds the file");

    /// <summary>Reads a 16-bit number.</summary>
    public ushort Short(int at) => BinaryPrimitives.ReadUInt16LittleEndian(Bytes[Checked(at, 2)..]);

    /// <summary>Reads a 32-bit number.</summary>
    public uint Int(int at) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes[Checked(at, 4)..]);

    /// <summary>Reads a 64-bit number.</summary>
    public long Long(int at) => BinaryPrimitives.ReadInt64LittleEndian(Bytes[Checked(at, 8)..]);
}
