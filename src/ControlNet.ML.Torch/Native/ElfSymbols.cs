using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text;

namespace ControlNet.ML.Torch.Native;

/// <summary>
/// Addresses of named objects and functions in a 64-bit little-endian ELF library, its local ones included, which the dynamic loader does
/// not tell. The file is mapped, not read: libtorch's is 461 MB, its symbols a tenth of that.
/// </summary>
internal static class ElfSymbols
{
    private const int HeaderSize = 64, SectionSize = 64, SymbolSize = 24;
    private const uint SectionSymTab = 2;

    /// <summary>Finds symbols in the full symbol table (.symtab).</summary>
    /// <param name="path">The library.</param>
    /// <param name="names">What to look for; all names are found in one pass.</param>
    /// <returns>Address within the library and size in bytes of each name that is there; empty for a library without such a table.</returns>
    public static unsafe IReadOnlyDictionary<string, (long Address, long Size)> Find(string path, params IReadOnlyCollection<string> names)
    {
        using var file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read);
        using var view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            return Find(new Mapped(start + view.PointerOffset, new FileInfo(path).Length), names);
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    private static Dictionary<string, (long Address, long Size)> Find(Mapped file, IReadOnlyCollection<string> names)
    {
        var found = new Dictionary<string, (long, long)>();
        var header = file.Slice(0, HeaderSize);
        if (!header[..6].SequenceEqual(new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1 }))
            return found;
        var sections = file.Slice(Long(header, 40), Short(header, 60) * SectionSize);
        for (var at = 0; at < sections.Length; at += SectionSize)
        {
            if (Int(sections, at + 4) != SectionSymTab || Int(sections, at + 40) is var link && (link + 1) * SectionSize > sections.Length)
                continue;
            var symbols = file.Slice(Long(sections, at + 24), Long(sections, at + 32));
            var strings = file.Slice(Long(sections, (int)(link * SectionSize) + 24), Long(sections, (int)(link * SectionSize) + 32));
            Search(symbols, strings, [.. names.Select(name => (name, Encoding.ASCII.GetBytes(name + '\0')))], found);
        }

        return found;
    }

    private static void Search(
        ReadOnlySpan<byte> symbols, ReadOnlySpan<byte> strings, (string Name, byte[] Bytes)[] names, Dictionary<string, (long Address, long Size)> found)
    {
        for (var at = 0; at + SymbolSize <= symbols.Length && found.Count < names.Length; at += SymbolSize)
        {
            var offset = Int(symbols, at);
            if (offset >= strings.Length)
                continue;
            var rest = strings[(int)offset..];
            foreach (var (name, bytes) in names)
            {
                if (rest.StartsWith(bytes))
                    found.TryAdd(name, (Long(symbols, at + 8), Long(symbols, at + 16)));
            }
        }
    }

    private static ushort Short(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint Int(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long Long(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    /// <summary>A mapped file, whose parts are bounds-checked.</summary>
    private readonly unsafe struct Mapped(byte* start, long length)
    {
        private readonly byte* _start = start;

        public ReadOnlySpan<byte> Slice(long offset, long size) =>
            offset >= 0 && size is >= 0 and <= int.MaxValue && offset <= length - size
                ? MemoryMarshal.CreateReadOnlySpan(ref _start[offset], (int)size)
                : throw new InvalidDataException("it is damaged: a table leaves the file");
    }
}
