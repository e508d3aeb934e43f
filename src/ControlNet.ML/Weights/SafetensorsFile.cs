using System.Buffers.Binary;

namespace ControlNet.ML.Weights;

/// <summary>A safetensors file (huggingface/safetensors): 8 bytes of header length, a JSON header, the tensors' bytes.</summary>
public sealed class SafetensorsFile : TensorFile
{
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(string path, string name, FileStream stream)
        : base(path, name, stream)
    {
        try
        {
            _header = ReadHeader();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorEntry> Entries => _header.Entries;

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The open file; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">
    /// The file is missing, unreadable or not a valid safetensors file; the message says why.
    /// </exception>
    public static new SafetensorsFile Open(string path) => Open(path, path);

    /// <summary>Opens a file with another name in messages.</summary>
    internal static new SafetensorsFile Open(string path, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Open(path, name, (full, stream) =>
            stream.Length < 8
                ? throw new ControlNetException(
                    $"{name}: the file has {stream.Length} bytes, expected a safetensors file, "
                        + "which begins with 8 bytes of header length.")
                : new SafetensorsFile(full, name, stream));
    }

    private SafetensorsHeader ReadHeader()
    {
        var length = BinaryPrimitives.ReadUInt64LittleEndian(Mapped(0, 8));
        return length > (ulong)(Length - 8) || length > SafetensorsHeader.LongestHeader
            ? throw new ControlNetException(
                ForeignFile.RecogniseWeights(Mapped(0, (int)Math.Min(Length, ForeignFile.StartLength))) is { } kind
                    ? $"{Name} {kind}."
                    : $"{Name}: its header length is {length:N0}, "
                        + $"expected at most the {Length - 8:N0} bytes that follow and {SafetensorsHeader.LongestHeader:N0}: "
                        + "is this a complete safetensors file?")
            : SafetensorsHeader.Parse(Mapped(8, (int)length), 8 + (long)length, Length - 8 - (long)length, Name);
    }
}
