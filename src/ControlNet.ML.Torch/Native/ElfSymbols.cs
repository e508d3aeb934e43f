using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Text;

namespace ControlNet.ML.Torch.Native;

/// <summary>
/// Addresses of named objects and functions in a library, also local ones, which the dynamic loader does not expose. The file is
/// mapped, not read: libtorch's is 461 MB, and its symbols are a fifth of that.
/// </summary>
internal static class ElfSymbols
{
    private const int SymbolSize = 24;
    private const uint SectionSymTab = 2;

    /// <summary>Finds symbols in the full symbol table (.symtab).</summary>
    /// <param name="path">The library, at most 2 GB.</param>
    /// <param name="names">The names to find, in one pass.</param>
    /// <returns>Address within the library and size in bytes of each name that exists; empty for a library without such a table.</returns>
    /// <exception cref="InvalidDataException">The file is not a 64-bit little-endian ELF library, or is damaged.</exception>
    public static unsafe IReadOnlyDictionary<string, (long Address, long Size)> Find(string path, params IReadOnlyCollection<string> names)
    {
        var length = new FileInfo(path).Length;
        if (length is 0 or > int.MaxValue)
            throw new InvalidDataException($"it has {length:N0} bytes, expected 1 to {int.MaxValue:N0}");
        using var file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read);
        using var view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            return Find(new ElfFile(new ReadOnlySpan<byte>(start + view.PointerOffset, (int)length)), names);
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    private static Dictionary<string, (long Address, long Size)> Find(ElfFile elf, IReadOnlyCollection<string> names)
    {
        var found = new Dictionary<string, (long, long)>();
        (string Name, byte[] Bytes)[] wanted = [.. names.Select(name => (name, Encoding.ASCII.GetBytes(name + '\0')))];
        foreach (var section in elf.Sections.Where(section => section.Type == SectionSymTab))
        {
            var symbols = elf.Content(section);
            var strings = elf.Content(elf.Linked(section));
            for (var at = 0; at + SymbolSize <= symbols.Length && found.Count < wanted.Length; at += SymbolSize)
            {
                var offset = BinaryPrimitives.ReadUInt32LittleEndian(symbols[at..]);
                if (offset >= strings.Length)
                    continue;
                foreach (var (name, bytes) in wanted)
                {
                    if (strings[(int)offset..].StartsWith(bytes))
                        found.TryAdd(
                            name,
                            (
                                BinaryPrimitives.ReadInt64LittleEndian(symbols[(at + 8)..]),
                                BinaryPrimitives.ReadInt64LittleEndian(symbols[(at + 16)..])));
                }
            }
        }

        return found;
    }
}
