using System.Buffers.Binary;
using System.Text;

namespace ControlNet.ML.Torch.Native;

/// <summary>
/// The symbol versions that a 64-bit little-endian ELF library asks of other libraries (section .gnu.version_r), and the one
/// change we make to them: a version that no relocation of the library uses can be marked weak, so that the dynamic loader
/// no longer refuses the library on a system that lacks it.
/// </summary>
internal sealed class ElfVersionNeeds
{
    private const uint SectionRela = 4, SectionDynSym = 11, SectionVerNeed = 0x6ffffffe, SectionVerSym = 0x6fffffff;
    private const ushort FlagWeak = 0x2;

    private readonly byte[] _file;
    private readonly List<Section> _sections = [];

    private ElfVersionNeeds(byte[] file)
    {
        _file = file;
        if (file.Length < 64 || !file.AsSpan(0, 6).SequenceEqual(new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1 }))
            throw new InvalidDataException("not a 64-bit little-endian ELF file");

        var table = Long(40);
        int size = Short(58), count = Short(60);
        for (var i = 0; i < count; i++)
        {
            var at = Checked(table + (i * size), 64);
            _sections.Add(new Section(Int(at + 4), Checked(Long(at + 24), 0), Long(at + 32), (int)Int(at + 40)));
        }
    }

    private sealed record Section(uint Type, int Offset, long Size, int Link);

    /// <summary>A copy of the library in which the version is wanted weakly.</summary>
    /// <param name="file">The library, byte for byte; left as it is.</param>
    /// <param name="version">The version's name, for instance <c>GLIBCXX_3.4.32</c>.</param>
    /// <exception cref="InvalidDataException">
    /// The file is no such library, does not ask for the version, or really uses a symbol of it.
    /// </exception>
    public static byte[] Weaken(byte[] file, string version) => new ElfVersionNeeds((byte[])file.Clone()).Weaken(version);

    private byte[] Weaken(string version)
    {
        var entry = FindEntry(version) ?? throw new InvalidDataException($"it does not ask for {version}");
        if (IsRelocated(index: Short(entry + 6)))
            throw new InvalidDataException($"it uses symbols of {version}");

        var flags = _file.AsSpan(entry + 4, 2);
        BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(flags) | FlagWeak));
        return _file;
    }

    /// <summary>Where the entry (Elf64_Vernaux: hash, flags, index, name, next) of a version stands.</summary>
    private int? FindEntry(string version)
    {
        foreach (var section in _sections.Where(s => s.Type == SectionVerNeed))
        {
            var names = _sections[section.Link];
            for (var library = section.Offset; ; library = Checked(library + (long)Int(library + 12), 16))
            {
                var entry = Checked(library + (long)Int(library + 8), 16);
                for (int left = Short(library + 2); left > 0; left--)
                {
                    if (Name(names, Int(entry + 8)) == version)
                        return entry;
                    entry = Checked(entry + (long)Int(entry + 12), 16);
                }

                if (Int(library + 12) == 0)
                    break;
            }
        }

        return null;
    }

    /// <summary>Whether a relocation refers to a symbol with this version index.</summary>
    private bool IsRelocated(ushort index)
    {
        var versions = _sections.Single(s => s.Type == SectionVerSym);
        var symbols = _sections.FindIndex(s => s.Type == SectionDynSym);
        foreach (var section in _sections.Where(s => s.Type == SectionRela && s.Link == symbols))
        {
            for (long at = 0; at + 24 <= section.Size; at += 24)
            {
                var symbol = Int(Checked(section.Offset + at + 12, 4));
                if (symbol != 0 && (Short(Checked(versions.Offset + (2L * symbol), 2)) & 0x7fff) == index)
                    return true;
            }
        }

        return false;
    }

    private string Name(Section strings, uint offset)
    {
        var text = _file.AsSpan(Checked(strings.Offset + (long)offset, 1));
        var end = text.IndexOf((byte)0);
        return Encoding.ASCII.GetString(end < 0 ? text : text[..end]);
    }

    private int Checked(long offset, int length) =>
        offset >= 0 && offset + length <= _file.Length ? (int)offset : throw new InvalidDataException("it is damaged: an offset leaves the file");

    private ushort Short(int at) => BinaryPrimitives.ReadUInt16LittleEndian(_file.AsSpan(Checked(at, 2)));

    private uint Int(int at) => BinaryPrimitives.ReadUInt32LittleEndian(_file.AsSpan(Checked(at, 4)));

    private long Long(int at) => BinaryPrimitives.ReadInt64LittleEndian(_file.AsSpan(Checked(at, 8)));
}
