using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>The values of one column for the rows of a batch.</summary>
internal abstract class ColumnBuffer(int capacity) : IDisposable
{
    // A row's own trouble must not reach the reader of another row of the batch.
    private readonly ExceptionDispatchInfo?[] _errors = new ExceptionDispatchInfo?[capacity];

    /// <summary>A buffer for values of a column's raw type.</summary>
    public static ColumnBuffer Create(DataViewType type, int capacity)
    {
        if (type.RawType == typeof(MLImage))
            return new ImageColumnBuffer(capacity);
        if (type is VectorDataViewType { ItemType: NumberDataViewType { RawType: var item }, Size: var size } && item == typeof(float))
            return new SingleVectorBuffer(capacity, size);
        var buffer = type is VectorDataViewType vector
            ? typeof(VectorColumnBuffer<>).MakeGenericType(vector.ItemType.RawType)
            : typeof(ColumnBuffer<>).MakeGenericType(type.RawType);
        return (ColumnBuffer)Activator.CreateInstance(buffer, capacity)!;
    }

    /// <summary>Says where the values come from.</summary>
    public abstract void Attach(DataViewRow row, DataViewSchema.Column column);

    /// <summary>Takes the value of the row that the source stands on. If that throws, so will <see cref="Check"/>.</summary>
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

    /// <summary>What reading the source threw for a slot, or null.</summary>
    public Exception? Error(int slot) => _errors[slot]?.SourceException;

    /// <summary>Throws what reading the source threw for a slot.</summary>
    public void Check(int slot) => _errors[slot]?.Throw();

    /// <summary>Makes a slot empty: no image, no text.</summary>
    public abstract void Clear(int slot);

    /// <summary>Gives a slot what stands for a missing value of its type.</summary>
    public virtual void SetMissing(int slot) => Clear(slot);

    /// <summary>A slot's value.</summary>
    public abstract object? Value(int slot);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }

    /// <summary>Takes the value of the row that the source stands on.</summary>
    protected abstract void Read(int slot);
}

/// <summary>Values that are copied by assignment.</summary>
internal class ColumnBuffer<T>(int capacity) : ColumnBuffer(capacity)
{
    /// <summary>The values.</summary>
    public T?[] Items { get; } = new T?[capacity];

    /// <summary>Reads from the source.</summary>
    protected ValueGetter<T> Getter { get; private set; } = null!;

    /// <inheritdoc/>
    public override void Attach(DataViewRow row, DataViewSchema.Column column) => Getter = row.GetGetter<T>(column);

    /// <inheritdoc/>
    public override void Clear(int slot) => Items[slot] = default;

    /// <inheritdoc/>
    public override object? Value(int slot) => Items[slot];

    /// <summary>Gives a slot's value to somebody who keeps it.</summary>
    public virtual void Copy(int slot, ref T target) => target = Items[slot]!;

    /// <inheritdoc/>
    protected override void Read(int slot) => Getter(ref Items[slot]!);
}

/// <summary>Vectors, whose arrays belong to whoever holds them.</summary>
internal class VectorColumnBuffer<T>(int capacity) : ColumnBuffer<VBuffer<T>>(capacity)
{
    /// <inheritdoc/>
    public override void Copy(int slot, ref VBuffer<T> target) => Items[slot].CopyTo(ref target);
}

/// <summary>Vectors of numbers that may be missing: NaN, in the length that the column promises.</summary>
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

/// <summary>Images. Those in the buffer belong to it, those given out to whoever got them.</summary>
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
    /// The image that the target holds is not disposed, though ML.NET's own loader does that: to an enumeration of rows it is the
    /// image of the row before, which its reader may have kept.
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
    /// Sources differ in whose their images are: ML.NET's loader gives them away, its resizer may give what it disposes with the next
    /// row, an enumeration gives its user's. So they are copied, and left to whom they belong. And some leave the target as it is where
    /// there is no image, and some dispose it first: hence a target that can be told from an image.
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
    /// <summary>Whether each reading of a column makes a new image.</summary>
    bool GivesAway(DataViewSchema.Column column);
}
