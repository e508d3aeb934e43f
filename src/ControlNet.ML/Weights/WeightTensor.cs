namespace ControlNet.ML.Weights;

/// <summary>A tensor of a network's weights: its position in a file, and diffusers' name and shape.</summary>
public sealed class WeightTensor
{
    private readonly TensorEntry _entry;

    internal WeightTensor(string name, long[] shape, TensorFile file, TensorEntry entry) =>
        (Name, Shape, File, _entry) = (name, shape, file, entry);

    /// <summary>The name in diffusers' or transformers' state dict.</summary>
    public string Name { get; }

    /// <summary>The shape there; the same elements in the same order as in the file.</summary>
    public long[] Shape { get; }

    /// <summary>The file that holds it.</summary>
    public TensorFile File { get; }

    /// <summary>Its name in that file.</summary>
    public string Key => _entry.Name;

    /// <summary>The element type.</summary>
    public TensorType Type => _entry.Type;

    /// <summary>The number of elements.</summary>
    public long Count => _entry.Count;

    /// <summary>The number of bytes.</summary>
    public long ByteLength => _entry.ByteLength;

    /// <summary>The address of the first byte, valid while the source is open; see <see cref="TensorFile.Address"/>.</summary>
    public nint Address => File.Address(Key);

    /// <summary>Copies the elements, converted to float.</summary>
    /// <param name="destination">The destination; exactly as long as the tensor.</param>
    public void CopyTo(Span<float> destination) => File.CopyTo(Key, destination);

    /// <summary>Copies some of the elements, converted to float.</summary>
    /// <param name="first">The first element, in row-major order.</param>
    /// <param name="destination">The destination, whose length is the number of elements.</param>
    public void CopyTo(long first, Span<float> destination)
    {
        using var held = File.Hold();
        var size = Type.Size();
        TensorConversion.ToSingle(Type, File.Bytes(Key, first * size, checked(destination.Length * size)), destination);
    }

    /// <summary>Releases the file's pages after they were copied. The tensor stays readable.</summary>
    public void ReleasePages() => File.ReleasePages(_entry);
}
