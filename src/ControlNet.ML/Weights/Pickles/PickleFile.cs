using System.Runtime.InteropServices;

namespace ControlNet.ML.Weights.Pickles;

/// <summary>
/// What <c>torch.save</c> writes (<c>.ckpt</c>, <c>.pth</c>, <c>.pt</c>, <c>.bin</c>): a pickle that describes tensors, and their bytes,
/// which are mapped like those of a safetensors file. Read as data: nothing in the file can run.
/// </summary>
internal sealed unsafe class PickleFile : TensorFile
{
    // The description of SDXL with its optimizer takes some MB.
    private const int LongestPickle = 1 << 26;

    // Copies of views that are not in row-major order, beyond as much as the file's own size.
    private const long MostCopied = 1 << 26;

    private readonly Dictionary<string, TensorEntry> _entries = [];
    private readonly Dictionary<string, PickleTensor> _views = [];
    private readonly Dictionary<string, nint> _copies = [];
    private readonly Lock _copying = new();
    private readonly Dictionary<string, string> _metadata = [];

    private PickleFile(string path, string name, FileStream stream)
        : base(path, name, stream)
    {
        try
        {
            var value = Mapped(0, 2).SequenceEqual("PK"u8) ? ReadZip() : TorchLegacy.Read(Name, Length, Mapped);
            var contents = new StateDictContents(value, Name);
            foreach (var (key, text) in contents.Texts)
                _metadata[key] = text;
            var copied = 0L;
            foreach (var (key, tensor) in contents.Tensors)
                copied += Add(key, tensor);
            if (copied > Length + MostCopied)
                throw new ControlNetException(
                    $"{Name}: its tensors take {copied:N0} bytes when they are made contiguous, "
                        + $"expected at most {Length + MostCopied:N0}.");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorEntry> Entries => _entries;

    /// <summary>Whether a file begins as those of <c>torch.save</c> do.</summary>
    public static bool IsOne(string path, string name)
    {
        using var stream = RegularFile.Open(path, name, bufferSize: 1);
        Span<byte> start = stackalloc byte[16];
        try
        {
            // A safetensors file begins with the length of its header, which may look like a pickle's first two bytes.
            start = start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
            return ForeignFile.IsPickle(start) && !ForeignFile.IsSafetensors(start);
        }
        catch (IOException error)
        {
            throw new ControlNetException($"{name}: cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">Its name in messages.</param>
    /// <exception cref="ControlNetException">It is invalid; the message says why.</exception>
    public static new PickleFile Open(string path, string name) => Open(path, name, (full, stream) => new PickleFile(full, name, stream));

    /// <inheritdoc/>
    internal override void ReleasePages(TensorEntry entry)
    {
        // A copy has no file behind it that could be read again.
        if (!_views.ContainsKey(entry.Name))
            base.ReleasePages(entry);
    }

    /// <inheritdoc/>
    private protected override byte* Pointer(TensorEntry entry)
    {
        var start = base.Pointer(entry);
        if (!_views.TryGetValue(entry.Name, out var view))
            return start;
        lock (_copying)
        {
            if (!_copies.TryGetValue(entry.Name, out var copy))
                _copies[entry.Name] = copy = (nint)Gather(view, start);
            return (byte*)copy;
        }
    }

    /// <inheritdoc/>
    private protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        foreach (var copy in _copies.Values)
            NativeMemory.Free((void*)copy);
        _copies.Clear();
    }

    private object? ReadZip()
    {
        var zip = new TorchZip(Name, Length, Mapped);
        var roots = zip.Names.Where(name => name == "data.pkl" || name.EndsWith("/data.pkl", StringComparison.Ordinal)).ToList();
        if (roots is not [var pickle])
            throw new ControlNetException(
                roots.Count == 0
                    ? $"{Name}: is a zip archive without 'data.pkl', expected one that torch.save wrote."
                    : $"{Name}: contains {Message.List([.. roots.Select(Message.Name)])}, expected one 'data.pkl'.");
        var root = pickle[..^"data.pkl".Length];
        if (zip.Find(root + "constants.pkl") is not null)
            throw new ControlNetException($"{Name}: is a TorchScript program, expected the weights alone (a state dict).");
        if (zip.Find(root + "byteorder") is var (orderOffset, orderLength)
            && (orderLength > 16 || !Mapped(orderOffset, (int)orderLength).Trim(" \n"u8).SequenceEqual("little"u8)))
            throw new ControlNetException($"{Name}: its numbers are big-endian, expected little-endian ones.");
        var (offset, length) = zip.Find(pickle)!.Value;
        return length <= LongestPickle
            ? new PickleReader(Mapped(offset, (int)length), Name, id => Storage(id, zip, root)).Read()
            : throw new ControlNetException($"{Name}: its pickle has {length:N0} bytes, expected at most {LongestPickle:N0}.");
    }

    private PickleStorage Storage(object?[] id, TorchZip zip, string root)
    {
        var (key, type, count) = StorageId.Parse(id, Name);
        var (offset, length) = zip.Find($"{root}data/{key}")
            ?? throw new ControlNetException($"{Name}: has no entry for storage {Message.Name(key)}.");
        return count <= length / (type?.Size() ?? 1)
            ? new PickleStorage(key, type, count, offset, length)
            : throw new ControlNetException(
                $"{Name}: storage {Message.Name(key)} has {length:N0} bytes, expected {count:N0} numbers of {type?.Size() ?? 1}.");
    }

    /// <summary>Adds a tensor; gives the number of bytes that a copy of it will take.</summary>
    private long Add(string name, PickleTensor tensor)
    {
        var bytes = tensor.Count * tensor.Type.Size();
        _entries.Add(
            name,
            new TensorEntry(
                name, tensor.Type, tensor.Shape, tensor.Storage.Offset + (tensor.First * tensor.Type.Size()), bytes, tensor.Count));
        if (tensor.Count == 0 || tensor.IsContiguous)
            return 0;
        _views.Add(name, tensor);
        return bytes;
    }

    /// <summary>Copies a view into row-major order.</summary>
    private static byte* Gather(PickleTensor view, byte* first)
    {
        int size = view.Type.Size(), rank = view.Shape.Length;
        var copy = (byte*)NativeMemory.Alloc((nuint)(view.Count * size));
        var index = new long[rank];
        var element = 0L;
        for (var i = 0L; i < view.Count; i++)
        {
            new ReadOnlySpan<byte>(first + (element * size), size).CopyTo(new Span<byte>(copy + (i * size), size));
            for (var d = rank - 1; d >= 0; d--)
            {
                element += view.Strides[d];
                if (++index[d] < view.Shape[d])
                    break;
                element -= view.Strides[d] * view.Shape[d];
                index[d] = 0;
            }
        }

        return copy;
    }
}
