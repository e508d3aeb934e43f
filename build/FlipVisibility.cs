using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Copies an assembly and makes the types named, with their fields and methods, public in the copy: a few bits in its metadata
/// tables (ECMA-335, II.22). MSBuild compiles this file itself, against .NET Standard: nothing else may be used here.
/// </summary>
public class FlipVisibility : Task
{
    private const int TypeDef = 2, Field = 4, Method = 6;

    private byte[] _file;
    private int[] _rows;
    private int[] _start;
    private int[] _size;
    private int _strings;
    private int _stringIndex;

    /// <summary>The assembly.</summary>
    [Required]
    public string Source { get; set; }

    /// <summary>The copy.</summary>
    [Required]
    public string Target { get; set; }

    /// <summary>Full names of types that are not nested; an assembly that lacks one is fine.</summary>
    [Required]
    public string[] Types { get; set; }

    /// <inheritdoc/>
    public override bool Execute()
    {
        _file = File.ReadAllBytes(Source);
        ReadTables();
        for (var type = 1; type <= _rows[TypeDef]; type++)
        {
            if (!Types.Contains(FullName(type)))
                continue;

            // Not public to public.
            _file[Row(TypeDef, type)] |= 1;
            Open(type, Field, flags: 0);
            Open(type, Method, flags: 6);
        }

        // The same bytes keep their date, so that incremental builds stay incremental.
        if (!File.Exists(Target) || !File.ReadAllBytes(Target).SequenceEqual(_file))
            File.WriteAllBytes(Target, _file);
        return true;
    }

    // A type's members are those from its first to the first of the next type.
    private void Open(int type, int table, int flags)
    {
        var end = type < _rows[TypeDef] ? First(type + 1, table) : _rows[table] + 1;
        for (var member = First(type, table); member < end; member++)
        {
            // Internal to public, private protected to protected; private ones stay.
            var at = Row(table, member) + flags;
            var access = _file[at] & 7;
            _file[at] = (byte)((_file[at] & ~7) | (access == 3 ? 6 : access == 2 ? 4 : access));
        }
    }

    private int First(int type, int table)
    {
        var end = Row(TypeDef, type) + _size[TypeDef];
        return Index(end - Width(Method) - (table == Field ? Width(Field) : 0), Width(table));
    }

    private string FullName(int type)
    {
        var name = Row(TypeDef, type) + 4;
        return Text(_strings + Index(name + _stringIndex, _stringIndex)) + "." + Text(_strings + Index(name, _stringIndex));
    }

    private void ReadTables()
    {
        var header = Int(0x3c);
        var optional = header + 24;
        var cli = optional + (Index(optional, 2) == 0x20b ? 112 : 96) + (14 * 8);
        var metadata = Offset(header, Int(Offset(header, Int(cli)) + 8));
        var stream = metadata + 16 + Int(metadata + 12);
        var count = Index(stream + 2, 2);
        var tables = 0;
        stream += 4;
        for (var i = 0; i < count; i++)
        {
            var name = Text(stream + 8);
            if (name == "#~")
                tables = metadata + Int(stream);
            else if (name == "#Strings")
                _strings = metadata + Int(stream);
            stream += 8 + ((name.Length + 4) & ~3);
        }

        _rows = new int[64];
        var position = tables + 24;
        for (var table = 0; table < 64; table++)
        {
            if ((BitConverter.ToUInt64(_file, tables + 8) >> table & 1) == 0)
                continue;
            _rows[table] = Int(position);
            position += 4;
        }

        Lay(position, _file[tables + 6]);
    }

    // Where the tables up to Method start, and how long their rows are.
    private void Lay(int position, int heaps)
    {
        _stringIndex = (heaps & 1) == 0 ? 2 : 4;
        var guid = (heaps & 2) == 0 ? 2 : 4;
        var blob = (heaps & 4) == 0 ? 2 : 4;
        var scope = Coded(0x00, 0x01, 0x1a, 0x23);
        var parent = Coded(0x01, 0x02, 0x1b);
        _size = new[]
        {
            2 + _stringIndex + (3 * guid),
            scope + (2 * _stringIndex),
            4 + (2 * _stringIndex) + parent + Width(Field) + Width(Method),
            Width(Field),
            2 + _stringIndex + blob,
            Width(Method),
            8 + _stringIndex + blob + Width(0x08),
        };
        _start = new int[_size.Length];
        for (var table = 0; table < _size.Length; table++)
        {
            _start[table] = position;
            position += _size[table] * _rows[table];
        }
    }

    private int Row(int table, int number)
    {
        return _start[table] + ((number - 1) * _size[table]);
    }

    private int Width(int table)
    {
        return _rows[table] > ushort.MaxValue ? 4 : 2;
    }

    // An index into one of up to four tables: two bits say which.
    private int Coded(params int[] tables)
    {
        return tables.Max(table => _rows[table]) >= 1 << 14 ? 4 : 2;
    }

    private int Int(int offset)
    {
        return BitConverter.ToInt32(_file, offset);
    }

    private int Index(int offset, int width)
    {
        return width == 4 ? Int(offset) : BitConverter.ToUInt16(_file, offset);
    }

    private string Text(int offset)
    {
        return Encoding.UTF8.GetString(_file, offset, Array.IndexOf(_file, (byte)0, offset) - offset);
    }

    // From an address in memory to one in the file, by the sections.
    private int Offset(int header, int address)
    {
        var section = header + 24 + Index(header + 20, 2);
        for (var i = 0; i < Index(header + 6, 2); i++, section += 40)
        {
            var start = Int(section + 12);
            if (address >= start && address < start + Int(section + 16))
                return address - start + Int(section + 20);
        }

        throw new BadImageFormatException(Source + ": an address lies in no section.");
    }
}
