using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using ControlNet.ML.Weights.Pickles;

namespace ControlNet.ML.Weights;

/// <summary>
/// A file of named tensors, mapped into memory: opening reads only the description of the tensors, and a tensor's bytes are read from disk
/// when they are first accessed. Files of any size; the description is fully checked before anything is allocated for it.
/// </summary>
/// <remarks>
/// Reading is thread-safe. Spans and addresses are valid until <see cref="Dispose()"/>; the file must not be truncated while it is open.
/// </remarks>
public abstract unsafe class TensorFile : IDisposable
{
    // Elements converted at a time if a tensor has more bytes than a span can hold.
    private const int Chunk = 1 << 24;

    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly FileStream _stream;
    private readonly DateTime _changed;
    private byte* _start;

    private protected TensorFile(string path, string name, FileStream stream)
    {
        Path = path;
        Name = name;
        Length = stream.Length;
        (_stream, _changed) = (stream, File.GetLastWriteTimeUtc(stream.SafeFileHandle));
        _map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        try
        {
            _view = _map.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
            _start += _view.PointerOffset;
        }
        catch
        {
            _map.Dispose();
            throw;
        }
    }

    /// <summary>The full path.</summary>
    public string Path { get; }

    /// <summary>The name in messages: the path as given, or part and file of a model folder.</summary>
    public string Name { get; }

    /// <summary>
    /// What the file says beside its tensors: the entries of a safetensors header's <c>__metadata__</c>; the texts and numbers of a
    /// pickle's outermost dictionary.
    /// </summary>
    public abstract IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensors by name.</summary>
    public abstract IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <summary>The number of bytes in the file.</summary>
    private protected long Length { get; }

    /// <summary>Opens a file and checks its description: safetensors, or what <c>torch.save</c> writes, whatever the file's name.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The open file; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">
    /// The file is missing, unreadable, invalid, or contains code that would have to run to read it; the message says why.
    /// </exception>
    public static TensorFile Open(string path) => Open(path, path);

    /// <summary>Opens a file with another name in messages.</summary>
    internal static TensorFile Open(string path, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return PickleFile.IsOne(path, name) ? PickleFile.Open(path, name) : SafetensorsFile.Open(path, name);
    }

    /// <summary>Opens a stream and gives it to a constructor, which takes ownership.</summary>
    private protected static T Open<T>(string path, string name, Func<string, FileStream, T> create)
    {
        var stream = RegularFile.Open(path, name, bufferSize: 1);
        try
        {
            return create(System.IO.Path.GetFullPath(path), stream);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            stream.Dispose();
            throw new ControlNetException($"{name}: cannot be read: {error.Message}", error);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The bytes of a tensor, little-endian, row-major: a view, not a copy.</summary>
    /// <param name="name">The tensor's key.</param>
    /// <returns>The bytes, valid until the file is closed.</returns>
    /// <exception cref="ArgumentException">
    /// There is no such tensor, or it has more than 2^31-1 bytes: read parts of it, or use <see cref="Address"/>.
    /// </exception>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        var entry = Entry(name);
        return entry.ByteLength <= int.MaxValue
            ? new ReadOnlySpan<byte>(Pointer(entry), (int)entry.ByteLength)
            : throw new ArgumentException(
                $"{Message.Name(name)} has {entry.ByteLength:N0} bytes, more than a span holds: ask for parts of it.", nameof(name));
    }

    /// <summary>Some of the bytes of a tensor: a view, not a copy.</summary>
    /// <param name="name">The tensor's key.</param>
    /// <param name="start">The first byte, counted from the tensor's start.</param>
    /// <param name="length">The number of bytes.</param>
    /// <returns>The bytes, valid until the file is closed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The part is not inside the tensor.</exception>
    public ReadOnlySpan<byte> Bytes(string name, long start, int length)
    {
        var entry = Entry(name);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, entry.ByteLength - length);
        return new ReadOnlySpan<byte>(Pointer(entry) + start, length);
    }

    /// <summary>Copies a tensor, converting its element type to float.</summary>
    /// <param name="name">The tensor's key.</param>
    /// <param name="destination">The destination; exactly as long as the tensor.</param>
    /// <exception cref="ArgumentException">There is no such tensor, or the destination's length differs.</exception>
    public void CopyTo(string name, Span<float> destination)
    {
        var entry = Entry(name);
        if (destination.Length != entry.Count)
            throw new ArgumentException(
                $"{Message.Name(name)} has {entry.Count:N0} elements, the destination {destination.Length:N0}.", nameof(destination));
        using var held = Hold();
        var size = entry.Type.Size();
        var source = Pointer(entry);
        for (var done = 0L; done < entry.Count; done += Chunk)
        {
            var part = destination.Slice((int)done, (int)Math.Min(Chunk, entry.Count - done));
            TensorConversion.ToSingle(entry.Type, new ReadOnlySpan<byte>(source + (done * size), part.Length * size), part);
        }
    }

    /// <summary>
    /// The address of a tensor's first byte, for native code that copies by itself. <see cref="TensorEntry.ByteLength"/> bytes can be read
    /// there while the file is open; they may be unaligned and must not be written.
    /// </summary>
    /// <param name="name">The tensor's key.</param>
    /// <returns>The address.</returns>
    public nint Address(string name) => (nint)Pointer(Entry(name));

    /// <summary>Closes the file, which invalidates its spans and addresses.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the file.</summary>
    /// <param name="disposing">True: there is no finalizer.</param>
    private protected virtual void Dispose(bool disposing)
    {
        if (_start is not null)
        {
            _start = null;
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
        }

        _view.Dispose();
        _map.Dispose();
    }

    /// <summary>Throws if the file was overwritten since it was opened: its tensors are no longer where they were.</summary>
    /// <exception cref="ControlNetException">The file has changed.</exception>
    internal void EnsureUnchanged()
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        var file = _stream.SafeFileHandle;
        if (RandomAccess.GetLength(file) != Length || File.GetLastWriteTimeUtc(file) != _changed)
            throw new ControlNetException($"{Name}: was overwritten after it had been opened, expected the same file: load it again.");
    }

    /// <summary>Keeps the map in memory until disposed, even if the file is closed in the meantime.</summary>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    internal Held Hold() => new(_view.SafeMemoryMappedViewHandle);

    /// <summary>Releases a tensor's pages after it was copied. It stays readable.</summary>
    internal virtual void ReleasePages(TensorEntry entry)
    {
        using var held = Hold();
        MemoryPages.Release((nint)Pointer(entry), entry.ByteLength);
    }

    /// <summary>The bytes of the mapped file from an offset.</summary>
    private protected ReadOnlySpan<byte> Mapped(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        return offset >= 0 && length >= 0 && offset <= Length - length
            ? new ReadOnlySpan<byte>(_start + offset, length)
            : throw new ArgumentOutOfRangeException(nameof(offset), offset, null);
    }

    /// <summary>The address of a tensor's first byte.</summary>
    private protected virtual byte* Pointer(TensorEntry entry)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        return _start + entry.Offset;
    }

    private TensorEntry Entry(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Entries.TryGetValue(name, out var entry)
            ? entry
            : throw new ArgumentException($"{Name} has no tensor {Message.Name(name)}.", nameof(name));
    }

    /// <summary>A reference to the map.</summary>
    internal readonly ref struct Held
    {
        private readonly SafeHandle _map;

        /// <summary>Adds a reference.</summary>
        public Held(SafeHandle map)
        {
            _map = map;
            var taken = false;
            map.DangerousAddRef(ref taken);
        }

        /// <summary>Releases a reference.</summary>
        public void Dispose() => _map.DangerousRelease();
    }
}
