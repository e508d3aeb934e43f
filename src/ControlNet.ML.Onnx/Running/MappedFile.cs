using System.IO.MemoryMappedFiles;

namespace ControlNet.ML.Onnx;

/// <summary>A memory-mapped file: only the pages that are accessed are read.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private readonly int _length;

    private MappedFile(MemoryMappedFile file, int length)
    {
        _file = file;
        _length = length;
        _view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    /// <summary>All bytes, valid until the file is disposed.</summary>
    public ReadOnlySpan<byte> Bytes => new(_start, _length);

    /// <summary>Opens a file.</summary>
    /// <exception cref="ControlNetException">The file is missing, empty, or larger than 2 GB, the limit of ONNX files.</exception>
    public static MappedFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            using var stream = RegularFile.Open(path, path, bufferSize: 1);
            if (stream.Length is 0 or > int.MaxValue)
                throw new ControlNetException(
                    $"{path} is not an ONNX file: it has {stream.Length:N0} bytes, expected 1 to {int.MaxValue:N0}.");
            return new MappedFile(
                MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false),
                (int)stream.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }
}
