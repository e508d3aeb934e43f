using System.Runtime.InteropServices;
using System.Text;

namespace ControlNet.ML.Weights;

/// <summary>A tensor to be written: its description, and a callback for its bytes.</summary>
public sealed class TensorContent
{
    /// <summary>A tensor whose bytes are produced while the file is written, so that they need not all be in memory.</summary>
    /// <param name="name">The key, any valid Unicode string except <c>__metadata__</c>.</param>
    /// <param name="type">The element type.</param>
    /// <param name="shape">The sizes, outermost first; empty for a scalar.</param>
    /// <param name="write">Writes exactly the tensor's bytes, little-endian, row-major.</param>
    /// <exception cref="ArgumentException">The name, the type or a size is invalid.</exception>
    public TensorContent(string name, TensorType type, long[] shape, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(write);
        if (name == "__metadata__" || !IsUnicode(name))
            throw new ArgumentException($"{Message.Name(name)} is not a valid tensor name.", nameof(name));
        if (!Enum.IsDefined(type))
            throw new ArgumentOutOfRangeException(nameof(type), type, null);
        long bytes = type.Size();
        foreach (var size in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(shape));
            bytes = checked(bytes * size);
        }

        (Name, Type, Shape, Write, ByteLength) = (name, type, [.. shape], write, bytes);
    }

    /// <summary>The key.</summary>
    public string Name { get; }

    /// <summary>The element type.</summary>
    public TensorType Type { get; }

    /// <summary>The sizes, outermost first.</summary>
    public long[] Shape { get; }

    /// <summary>The number of bytes.</summary>
    public long ByteLength { get; }

    internal Action<Stream> Write { get; }

    /// <summary>A tensor whose bytes are already in memory.</summary>
    /// <param name="name">The key.</param>
    /// <param name="type">The element type.</param>
    /// <param name="shape">The sizes, outermost first.</param>
    /// <param name="bytes">The bytes, little-endian, row-major; not copied.</param>
    /// <returns>The tensor.</returns>
    public static TensorContent FromBytes(string name, TensorType type, long[] shape, ReadOnlyMemory<byte> bytes) =>
        new(name, type, shape, stream => stream.Write(bytes.Span));

    /// <summary>A tensor of floats in memory, written as F32.</summary>
    /// <param name="name">The key.</param>
    /// <param name="values">The values, row-major; not copied.</param>
    /// <param name="shape">The sizes, outermost first.</param>
    /// <returns>The tensor.</returns>
    public static TensorContent FromFloats(string name, ReadOnlyMemory<float> values, params long[] shape) =>
        new(name, TensorType.F32, shape, stream => stream.Write(MemoryMarshal.AsBytes(values.Span)));

    /// <summary>An unpaired surrogate has no UTF-8 encoding and would be read back as another name.</summary>
    internal static bool IsUnicode(string text)
    {
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(rest, out _, out var used) != System.Buffers.OperationStatus.Done)
                return false;
            rest = rest[used..];
        }

        return true;
    }
}
