using System.Runtime.InteropServices;

namespace ControlNet.ML.Weights;

/// <summary>A tensor of a network's weights: its position in a file, and diffusers' name and shape.</summary>
public sealed class WeightTensor
{
    private const int StackElements = 4096;

    private readonly TensorEntry _entry;
    private readonly long _first;
    private readonly bool _isTransposed;
    private readonly LowRankChange? _change;

    /// <param name="name">The name in diffusers' or transformers' state dict.</param>
    /// <param name="shape">The shape there.</param>
    /// <param name="file">The file.</param>
    /// <param name="entry">The tensor in the file that contains it.</param>
    /// <param name="first">Its first element there: several tensors may be fused to one.</param>
    /// <param name="isTransposed">Whether it is a matrix that is transposed in the file.</param>
    internal WeightTensor(string name, long[] shape, TensorFile file, TensorEntry entry, long first = 0, bool isTransposed = false)
    {
        (Name, Shape, File, _entry, _first, _isTransposed) = (name, shape, file, entry, first, isTransposed);
        Count = shape.Aggregate(1L, (product, size) => checked(product * size));
        if (first < 0 || first > entry.Count - Count || (isTransposed && shape.Length != 2))
            throw new ArgumentException($"{Message.Name(name)} is not inside of {Message.Name(entry.Name)}.", nameof(entry));
    }

    private WeightTensor(WeightTensor other, LowRankChange change)
    {
        (Name, Shape, File, _entry, _first, _isTransposed) =
            (other.Name, other.Shape, other.File, other._entry, other._first, other._isTransposed);
        (Count, _change) = (other.Count, change);
    }

    /// <summary>The name in diffusers' or transformers' state dict.</summary>
    public string Name { get; }

    /// <summary>The shape there.</summary>
    public long[] Shape { get; }

    /// <summary>The file that holds it.</summary>
    public TensorFile File { get; }

    /// <summary>Its name in that file, or that of the tensor that it is a part of.</summary>
    public string Key => _entry.Name;

    /// <summary>The element type.</summary>
    public TensorType Type => _entry.Type;

    /// <summary>The number of elements.</summary>
    public long Count { get; }

    /// <summary>The number of bytes.</summary>
    public long ByteLength => Count * Type.Size();

    /// <summary>The same tensor, with a change of low rank added to whatever is read.</summary>
    internal WeightTensor With(LowRankChange change) => new(this, change);

    /// <summary>Copies the elements, converted to float.</summary>
    /// <param name="destination">The destination; exactly as long as the tensor.</param>
    /// <exception cref="ArgumentException">The destination's length differs.</exception>
    public void CopyTo(Span<float> destination)
    {
        if (destination.Length != Count)
            throw new ArgumentException(
                $"{Message.Name(Name)} has {Count:N0} elements, the destination {destination.Length:N0}.", nameof(destination));
        if (_first == 0 && !_isTransposed && Count == _entry.Count && _change is null)
            File.CopyTo(Key, destination);
        else
            CopyTo(0, destination);
    }

    /// <summary>Copies some of the elements, converted to float.</summary>
    /// <param name="first">The first element, in row-major order.</param>
    /// <param name="destination">The destination, whose length is the number of elements.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is not inside the tensor.</exception>
    public void CopyTo(long first, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, Count - destination.Length);
        using var held = File.Hold();
        var size = Type.Size();
        if (!_isTransposed)
        {
            TensorConversion.ToSingle(
                Type, File.Bytes(Key, (_first + first) * size, checked(destination.Length * size)), destination);
            _change?.AddTo(first, destination);
            return;
        }

        var (rows, columns) = (Shape[0], Shape[1]);
        for (var i = 0; i < destination.Length; i++)
        {
            var (row, column) = Math.DivRem(first + i, columns);
            TensorConversion.ToSingle(Type, File.Bytes(Key, (_first + (column * rows) + row) * size, size), destination.Slice(i, 1));
        }

        _change?.AddTo(first, destination);
    }

    /// <summary>Copies some of the elements, converted to another floating-point type; those of the same type keep their bits.</summary>
    /// <param name="first">The first element, in row-major order.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="destination">Their bytes; the length determines their number.</param>
    internal void CopyTo(long first, TensorType type, Span<byte> destination)
    {
        var (size, count) = (Type.Size(), destination.Length / type.Size());
        if (type == Type && !_isTransposed && _change is null)
        {
            using var held = File.Hold();
            File.Bytes(Key, (_first + first) * size, count * size).CopyTo(destination);
            return;
        }

        if (type == TensorType.F32)
        {
            CopyTo(first, MemoryMarshal.Cast<byte, float>(destination));
            return;
        }

        Span<float> values = stackalloc float[Math.Min(count, StackElements)];
        for (var done = 0; done < count; done += values.Length)
        {
            var part = values[..Math.Min(values.Length, count - done)];
            CopyTo(first + done, part);
            TensorConversion.FromSingle(type, part, destination.Slice(done * type.Size(), part.Length * type.Size()));
        }
    }

    /// <summary>Writes the elements in the file's own type, row-major, little-endian.</summary>
    /// <param name="stream">The destination.</param>
    internal void WriteTo(Stream stream)
    {
        const int chunk = 1 << 24;
        using var held = File.Hold();
        var size = Type.Size();
        if (_change is not null)
        {
            var part = new byte[StackElements * size];
            for (var done = 0L; done < Count; done += StackElements)
            {
                var changed = part.AsSpan(0, (int)Math.Min(StackElements, Count - done) * size);
                CopyTo(done, Type, changed);
                stream.Write(changed);
            }

            return;
        }

        if (!_isTransposed)
        {
            for (var done = 0L; done < ByteLength; done += chunk)
                stream.Write(File.Bytes(Key, (_first * size) + done, (int)Math.Min(chunk, ByteLength - done)));
            return;
        }

        var row = new byte[checked((int)Shape[1] * size)];
        for (var i = 0L; i < Shape[0]; i++)
        {
            for (var j = 0; j < Shape[1]; j++)
                File.Bytes(Key, (_first + (j * Shape[0]) + i) * size, size).CopyTo(row.AsSpan(j * size));
            stream.Write(row);
        }
    }

    /// <summary>Releases the file's pages after they were copied. The tensor stays readable.</summary>
    public void ReleasePages()
    {
        File.ReleasePages(_entry);
        _change?.Release();
    }
}
