using System.Buffers.Binary;
using System.Text;

namespace ControlNet.ML.Weights.Pickles;

/// <summary>
/// Reads a pickle as data. A pickle is a program for a machine with a stack; this one knows the operations that build numbers, texts,
/// lists, dictionaries and tensors, and calls nothing but the functions of <see cref="PickleGlobals"/>, which are ours.
/// </summary>
/// <remarks>
/// Source: Python's pickletools, protocols 2 to 5. Every length is compared with what is left of the stream before anything is allocated,
/// nothing is recursive, and the number of operations is limited.
/// </remarks>
/// <param name="data">The stream.</param>
/// <param name="file">The file's name in messages.</param>
/// <param name="storage">Finds a storage by the persistent id that stands in place of it.</param>
internal ref struct PickleReader(ReadOnlySpan<byte> data, string file, Func<object?[], PickleStorage> storage)
{
    // Ten times those of SDXL with its optimizer.
    private const int MostOperations = 4_000_000;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> _data = data;
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<long, object?> _memo = [];

    /// <summary>The number of bytes read so far: one more than the position of the last operation.</summary>
    public int Position { get; private set; }

    /// <summary>Runs the program to its end.</summary>
    /// <returns>The value that it leaves.</returns>
    /// <exception cref="ControlNetException">It is invalid, or does what no tensor needs.</exception>
    public object? Read()
    {
        for (var count = 0; ; count++)
        {
            if (count > MostOperations)
                throw Bad($"has more than {MostOperations:N0} operations");
            var operation = Take(1)[0];
            if (operation == '.')
                return Pop();
            Run(operation);
        }
    }

    private void Run(byte operation)
    {
        switch (operation)
        {
            case 0x80: Protocol(Take(1)[0]); break;
            case 0x95: Frame(Take(8)); break;
            case (byte)'(': _marks.Add(_stack.Count); break;
            case (byte)'0': Pop(); break;
            case (byte)'1': PopMarked(); break;
            case (byte)'2': Push(Top()); break;

            case (byte)'N': Push(null); break;
            case 0x88: Push(true); break;
            case 0x89: Push(false); break;
            case (byte)'J': Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
            case (byte)'K': Push((long)Take(1)[0]); break;
            case (byte)'M': Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
            case 0x8a: Push(Integer(Take(Take(1)[0]))); break;
            case 0x8b: Push(Integer(Take(Signed4()))); break;
            case (byte)'G': Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;

            case (byte)'X': Push(Text(Take(Unsigned4()))); break;
            case 0x8c: Push(Text(Take(Take(1)[0]))); break;
            case 0x8d: Push(Text(Take(Unsigned8()))); break;
            case (byte)'T': Push(Encoding.Latin1.GetString(Take(Signed4()))); break;
            case (byte)'U': Push(Encoding.Latin1.GetString(Take(Take(1)[0]))); break;
            case (byte)'B': Bytes(Unsigned4()); break;
            case (byte)'C': Bytes(Take(1)[0]); break;
            case 0x8e or 0x96: Bytes(Unsigned8()); break;

            case (byte)']': Push(new PickleList()); break;
            case (byte)'a': AppendTo([Pop()]); break;
            case (byte)'e': AppendTo(PopMarked()); break;
            case (byte)'l': PushList(PopMarked()); break;
            case (byte)')': Push(Array.Empty<object?>()); break;
            case (byte)'t': Push(PopMarked()); break;
            case 0x85: Push(PopMany(1)); break;
            case 0x86: Push(PopMany(2)); break;
            case 0x87: Push(PopMany(3)); break;
            case (byte)'}': Push(new PickleDict()); break;
            case (byte)'d': PushDict(PopMarked()); break;
            case (byte)'s': SetItems(PopMany(2)); break;
            case (byte)'u': SetItems(PopMarked()); break;
            case 0x8f: Push(PickleOpaque.Instance); break;
            case 0x90: PopMarked(); break;
            case 0x91: PopMarked(); Push(PickleOpaque.Instance); break;

            case (byte)'h': Push(Recall(Take(1)[0])); break;
            case (byte)'j': Push(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); break;
            case (byte)'q': Remember(Take(1)[0]); break;
            case (byte)'r': Remember(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))); break;
            case 0x94: Remember(_memo.Count); break;

            case (byte)'c': Push(Global($"{Text(Line())}.{Text(Line())}")); break;
            case 0x93: StackGlobal(PopMany(2)); break;
            case (byte)'R' or 0x81: Call(PopMany(2)); break;
            case (byte)'b': Build(Pop()); break;
            case (byte)'Q': Push(Storage(Pop())); break;
            default: throw Bad($"contains the operation 0x{operation:X2}, which no tensor needs");
        }
    }

    private void Protocol(byte version)
    {
        if (version is < 2 or > 5)
            throw Bad($"is of protocol {version}, expected 2 to 5");
    }

    private void Frame(ReadOnlySpan<byte> length)
    {
        var claimed = BinaryPrimitives.ReadUInt64LittleEndian(length);
        if (claimed > (ulong)(_data.Length - Position))
            throw TooShort((long)Math.Min(claimed, long.MaxValue));
    }

    private readonly void PushList(object?[] items)
    {
        var list = new PickleList();
        list.Items.AddRange(items);
        Push(list);
    }

    private readonly void AppendTo(object?[] items)
    {
        // Some classes take items in the same way; nothing of theirs is wanted.
        if (Top() is PickleList list)
            list.Items.AddRange(items);
        else if (Top() is not PickleOpaque)
            throw Bad("appends to something that is not a list");
    }

    private readonly void PushDict(object?[] entries)
    {
        Push(new PickleDict());
        SetItems(entries);
    }

    private readonly void SetItems(object?[] entries)
    {
        if (Top() is not PickleDict dict)
            throw Bad("sets items of something that is not a dictionary");
        if (entries.Length % 2 != 0)
            throw Bad("sets a key without a value");
        for (var i = 0; i < entries.Length; i += 2)
            dict.Set(entries[i], entries[i + 1]);
    }

    private readonly object? Recall(long index) =>
        _memo.TryGetValue(index, out var value) ? value : throw Bad($"recalls value {index:N0}, which it has not stored");

    private readonly void Remember(long index)
    {
        // Writers number values consecutively, so that no index is beyond the number of bytes.
        if (index > _data.Length)
            throw Bad($"stores a value at index {index:N0}, expected at most {_data.Length:N0}");
        _memo[index] = Top();
    }

    private readonly PickleGlobal Global(string name) =>
        PickleGlobals.Allows(name)
            ? new PickleGlobal(name)
            : throw Bad($"names {Message.Name(name)}, which no tensor needs: it is not run, and the file is refused");

    private readonly void StackGlobal(object?[] names)
    {
        if (names is not [string module, string name])
            throw Bad("names something by values that are no strings");
        Push(Global($"{module}.{name}"));
    }

    private readonly void Call(object?[] call)
    {
        if (call is not [PickleGlobal function, object?[] arguments])
            throw Bad("calls something that is not a function");
        Push(PickleGlobals.Call(function, arguments, file));
    }

    private readonly void Build(object? state)
    {
        // The state of an ordered dictionary is torch's _metadata: versions of modules.
        if (Top() is PickleModule module)
            module.Parameters = (state as PickleDict)?.Named.GetValueOrDefault("_parameters") as PickleDict
                ?? throw Bad("has a module without '_parameters'");
        else if (Top() is not (PickleDict or PickleOpaque))
            throw Bad("changes the state of a value that has none");
    }

    private readonly PickleStorage Storage(object? id) =>
        id is object?[] values
            ? storage(values)
            : throw Bad("refers to a storage by something that is not a tuple");

    private readonly object? Top() => _stack.Count > Floor ? _stack[^1] : throw Bad("takes a value from an empty stack");

    private readonly int Floor => _marks.Count > 0 ? _marks[^1] : 0;

    private readonly void Push(object? value) => _stack.Add(value);

    private readonly object? Pop()
    {
        var value = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private readonly object?[] PopMany(int count)
    {
        if (_stack.Count - count < Floor)
            throw Bad("takes a value from an empty stack");
        object?[] values = [.. _stack[^count..]];
        _stack.RemoveRange(_stack.Count - count, count);
        return values;
    }

    private readonly object?[] PopMarked()
    {
        if (_marks.Count == 0)
            throw Bad("ends a sequence that has no beginning");
        var values = PopMany(_stack.Count - Floor);
        _marks.RemoveAt(_marks.Count - 1);
        return values;
    }

    /// <summary>Bytes are of no interest, but their length is checked.</summary>
    private void Bytes(long length)
    {
        Take(length);
        Push(PickleOpaque.Instance);
    }

    private long Unsigned4() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    private long Signed4() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    private long Unsigned8() => (long)Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(Take(8)), long.MaxValue);

    /// <summary>Two's complement of any length; what does not fit into 64 bits is of no interest.</summary>
    private static object Integer(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 8)
            return PickleOpaque.Instance;
        var value = 0L;
        for (var i = bytes.Length - 1; i >= 0; i--)
            value = (value << 8) | bytes[i];
        var unused = 64 - (8 * bytes.Length);
        return bytes.Length == 0 ? 0L : value << unused >> unused;
    }

    private readonly string Text(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException error)
        {
            throw new ControlNetException(Bad("contains text that is not UTF-8").Message, error);
        }
    }

    private ReadOnlySpan<byte> Line()
    {
        var length = _data[Position..].IndexOf((byte)'\n');
        if (length < 0)
            throw Bad("ends inside a name");
        var line = Take(length);
        Position++;
        return line;
    }

    private ReadOnlySpan<byte> Take(long length)
    {
        if (length < 0 || length > _data.Length - Position)
            throw TooShort(length);
        var taken = _data.Slice(Position, (int)length);
        Position += (int)length;
        return taken;
    }

    private readonly ControlNetException TooShort(long length) =>
        Bad(length < 0 ? $"has a length of {length:N0}" : $"ends early: {_data.Length - Position:N0} bytes are left of {length:N0}");

    private readonly ControlNetException Bad(string what) => new($"{file}: its pickle {what} (byte {Position:N0}).");
}
