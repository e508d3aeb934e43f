using System.Buffers.Binary;

namespace ControlNet.ML.Torch.Native;

/// <summary>
/// The symbol versions that a library requires of other libraries (section .gnu.version_r), and the one change we make to them: a version
/// that no relocation of the library uses can be marked weak, so that the dynamic loader no longer rejects the library on a system without
/// it.
/// </summary>
internal static class ElfVersionNeeds
{
    private const uint SectionRela = 4, SectionDynSym = 11, SectionVerNeed = 0x6ffffffe, SectionVerSym = 0x6fffffff;
    private const ushort FlagWeak = 0x2;

    /// <summary>Returns a copy of the library in which the version is weak.</summary>
    /// <param name="file">The bytes of the library; not changed.</param>
    /// <param name="version">The version's name, for instance <c>GLIBCXX_3.4.32</c>.</param>
    /// <exception cref="InvalidDataException">
    /// The file is not such a library, does not require the version, or uses a symbol of it.
    /// </exception>
    public static byte[] Weaken(byte[] file, string version)
    {
        var elf = new ElfFile(file);
        var entry = FindEntry(elf, version) ?? throw new InvalidDataException($"it does not require {version}");
        if (IsRelocated(elf, index: elf.Short(entry + 6)))
            throw new InvalidDataException($"it uses symbols of {version}");

        var copy = (byte[])file.Clone();
        BinaryPrimitives.WriteUInt16LittleEndian(copy.AsSpan(entry + 4, 2), (ushort)(elf.Short(entry + 4) | FlagWeak));
        return copy;
    }

    /// <summary>The offset of a version's entry (Elf64_Vernaux: hash, flags, index, name, next).</summary>
    private static int? FindEntry(ElfFile elf, string version)
    {
        foreach (var section in elf.Sections.Where(s => s.Type == SectionVerNeed))
        {
            var names = elf.Linked(section);
            for (var library = elf.Checked(section.Offset, 16); ; library = elf.Checked(library + (long)elf.Int(library + 12), 16))
            {
                var entry = elf.Checked(library + (long)elf.Int(library + 8), 16);
                for (int left = elf.Short(library + 2); left > 0; left--)
                {
                    if (elf.Name(names, elf.Int(entry + 8)) == version)
                        return entry;
                    entry = elf.Checked(entry + (long)elf.Int(entry + 12), 16);
                }

                if (elf.Int(library + 12) == 0)
                    break;
            }
        }

        return null;
    }

    /// <summary>Whether a relocation refers to a symbol with this version index.</summary>
    private static bool IsRelocated(ElfFile elf, ushort index)
    {
        var versions = elf.Sections.FirstOrDefault(s => s.Type == SectionVerSym)
            ?? throw new InvalidDataException("it is damaged: it has no versions of its symbols");
        foreach (var section in elf.Sections.Where(s => s.Type == SectionRela))
        {
            if (elf.Linked(section).Type != SectionDynSym)
                continue;
            for (long at = 0; at + 24 <= section.Size; at += 24)
            {
                var symbol = elf.Int(elf.Checked(section.Offset + at + 12, 4));
                if (symbol != 0 && (elf.Short(elf.Checked(versions.Offset + (2L * symbol), 2)) & 0x7fff) == index)
                    return true;
            }
        }

        return false;
    }
}
