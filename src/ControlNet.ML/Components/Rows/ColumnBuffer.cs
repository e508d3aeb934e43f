using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>The values of one column for the rows of a batch.</summary>
internal abstract class ColumnBuffer(int capacity) : IDisposable
{
    // A row's error must not reach the reader of another row of the batch.
    private readonly ExceptionDispatchInfo?[] _errors = new ExceptionDispatchInfo?[capacity];

    /// <summary>A buffer for values of a column's raw type.</summary>
    public static ColumnBuffer Create(DataViewType type, int capacity)
    {
        if (type.RawType == typeof(MLImage))
            return new ImageColumnBuffer(capacity);
        if (type is VectorDataViewType { ItemType: NumberDataViewType { RawType: var item }, Size: var size } && item == typeof(float))
            return new SingleVectorBuffer(capacity, size);
        if (type is NumberDataViewType && type.RawType == typeof(float))
            return new SingleBuffer(capacity);
        var buffer = type is VectorDataViewType vector
            ? typeof(VectorColumnBuffer<>).MakeGenericType(vector.ItemType.RawType)
            : typeof(ColumnBuffer<>).MakeGenericType(type.RawType);
        return (ColumnBuffer)Activator.CreateInstance(buffer, capacity)!;
    }

    /// <summary>Connects the buffer to a column of the source.</summary>
    public abstract void Attach(DataViewRow row, DataViewSchema.Column column);

    /// <summary>Reads the value of the source's current row. If that throws, <see cref="Check"/> throws the same.</summary>
    public void Fill(int slot)
    {
        _errors[slot] = null;
        try
        {
            Read(slot);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            Clear(slot);
            _errors[slot] = ExceptionDispatchInfo.Capture(error);
        }
    }

    /// <summary>The exception that reading the source threw for a slot, or null.</summary>
    public Exception? Error(int slot) => _errors[slot]?.SourceException;

    /// <summary>Rethrows the exception that reading the source threw for a slot.</summary>
    public void Check(int slot) => _errors[slot]?.Throw();

    /// <summary>Empties a slot: no image, no text.</summary>
    public abstract void Clear(int slot);

    /// <summary>Sets a slot to the missing value of its type.</summary>
    public virtual void SetMissing(int slot) => Clear(slot);

    /// <summary>A slot's value.</summary>
    public abstract object? Value(int slot);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }

    /// <summary>Reads the value of the source's current row.</summary>
    protected abstract void Read(int slot);
}

/// <summary>Values that are copied by assignment.</summary>
internal class ColumnBuffer<T>(int capacity) : ColumnBuffer(capacity)
{
    /// <summary>The values.</summary>
    public T?[] Items { get; } = new T?[capacity];

    /// <summary>Reads a value from the source.</summary>
    protected ValueGetter<T> Getter { get; private set; } = null!;

    /// <inheritdoc/>
    public override void Attach(DataViewRow row, DataViewSchema.Column column) => Getter = row.GetGetter<T>(column);

    /// <inheritdoc/>
    public override void Clear(int slot) => Items[slot] = default;

    /// <inheritdoc/>
    public override object? Value(int slot) => Items[slot];

    /// <summary>Copies a slot's value to a caller that keeps it.</summary>
    public virtual void Copy(int slot, ref T target) => target = Items[slot]!;

    /// <inheritdoc/>
    protected override void Read(int slot) => Getter(ref Items[slot]!);
}

/// <summary>Floats; a missing one is NaN, as everywhere in ML.NET.</summary>
internal sealed class SingleBuffer(int capacity) : ColumnBuffer<float>(capacity)
{
    /// <inheritdoc/>
    public override void SetMissing(int slot) => Items[slot] = float.NaN;
}

/// <summary>Vectors, whose arrays are copied: each belongs to its holder.</summary>
internal class VectorColumnBuffer<T>(int capacity) : ColumnBuffer<VBuffer<T>>(capacity)
{
    /// <inheritdoc/>
    public override void Copy(int slot, ref VBuffer<T> target) => Items[slot].CopyTo(ref target);
}

/// <summary>Vectors of floats; a missing one is filled with NaN, in the length of the column's type.</summary>
internal sealed class SingleVectorBuffer(int capacity, int size) : VectorColumnBuffer<float>(capacity)
{
    /// <inheritdoc/>
    public override void SetMissing(int slot)
    {
        var values = new float[size];
        values.AsSpan().Fill(float.NaN);
        Items[slot] = new VBuffer<float>(size, values);
    }
}

/// <summary>Images. The buffer owns its images; callers own the copies that they get.</summary>
internal sealed class ImageColumnBuffer(int capacity) : ColumnBuffer<MLImage>(capacity)
{
    private MLImage? _none;
    private bool _sourceGivesItsImagesAway;

    /// <inheritdoc/>
    public override void Attach(DataViewRow row, DataViewSchema.Column column)
    {
        base.Attach(row, column);
        _sourceGivesItsImagesAway = row is IGivesImagesAway giver && giver.GivesAway(column);
    }

    /// <inheritdoc/>
    public override void Clear(int slot)
    {
        Items[slot]?.Dispose();
        Items[slot] = null;
    }

    /// <summary>
    /// Does not dispose the image in the target, although ML.NET's own loader does: when rows are enumerated, the target is the previous
    /// row's image, which the reader may have kept.
    /// </summary>
    public override void Copy(int slot, ref MLImage target) => target = Items[slot] is { } image ? MLImages.Copy(image) : null!;

    /// <inheritdoc/>
    public override void Dispose()
    {
        for (var slot = 0; slot < Items.Length; slot++)
            Clear(slot);
        _none?.Dispose();
        base.Dispose();
    }

    /// <summary>
    /// Sources differ in who owns their images: ML.NET's loader hands over ownership, its resizer may return an image that it disposes with
    /// the next row, and an enumeration returns its user's images. So they are copied and never disposed here. Some sources leave the
    /// target unchanged if there is no image, and some dispose the target first: hence a placeholder that can be told from an image.
    /// </summary>
    protected override void Read(int slot)
    {
        Clear(slot);
        if (_sourceGivesItsImagesAway)
        {
            Getter(ref Items[slot]!);
            return;
        }

        var none = _none is null || IsDisposed(_none) ? _none = MLImage.CreateFromPixels(1, 1, MLPixelFormat.Bgra32, new byte[4]) : _none;
        var image = none;
        Getter(ref image);
        if (image is not null && !ReferenceEquals(image, none))
            Items[slot] = MLImages.Copy(image);
    }

    private static bool IsDisposed(MLImage image)
    {
        try
        {
            return image.Width == 0;
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }
}

/// <summary>A row that knows which of its images the reader may keep and dispose.</summary>
internal interface IGivesImagesAway
{
    /// <summary>Whether each read of a column creates a new image.</summary>
    bool GivesAway(DataViewSchema.Column column);
}
