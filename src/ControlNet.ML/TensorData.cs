namespace ControlNet.ML;

/// <summary>
/// Float values with a shape, in row-major order, exchanged between the managed code and the networks. Images and latents are [batch,
/// channels, height, width].
/// </summary>
public sealed class TensorData
{
    private readonly int[] _shape;

    /// <summary>Wraps values without copying them.</summary>
    /// <param name="values">The values, row-major; as many as the shape has elements.</param>
    /// <param name="shape">The sizes, outermost first; none negative.</param>
    /// <exception cref="ArgumentException">The number of values is not the product of the sizes.</exception>
    public TensorData(float[] values, params ReadOnlySpan<int> shape)
    {
        ArgumentNullException.ThrowIfNull(values);
        var count = CountOf(shape);
        if (values.Length != count)
            throw new ArgumentException(
                $"{values.Length} values do not fill the shape [{Describe(shape)}], expected {count}.", nameof(values));
        Values = values;
        _shape = shape.ToArray();
    }

    /// <summary>The values, row-major. Shared, not copied.</summary>
    public float[] Values { get; }

    /// <summary>The sizes, outermost first.</summary>
    public ReadOnlySpan<int> Shape => _shape;

    /// <summary>The number of values.</summary>
    public int Count => Values.Length;

    /// <summary>A tensor of zeros.</summary>
    /// <param name="shape">The sizes, outermost first.</param>
    /// <returns>A new tensor.</returns>
    public static TensorData Zeros(params ReadOnlySpan<int> shape) => new(new float[CountOf(shape)], shape);

    /// <summary>The values of one entry of the first dimension, as a view.</summary>
    /// <param name="index">The index of the entry, from 0.</param>
    /// <returns>The values.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such entry.</exception>
    public Span<float> Row(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _shape[0]);
        var length = Count / _shape[0];
        return Values.AsSpan(index * length, length);
    }

    /// <summary>A copy with its own values.</summary>
    /// <returns>A new tensor.</returns>
    public TensorData Clone() => new((float[])Values.Clone(), _shape);

    /// <summary>The shape as text, <c>[1, 4, 64, 64]</c>.</summary>
    public override string ToString() => $"[{Describe(_shape)}]";

    private static string Describe(ReadOnlySpan<int> shape) => string.Join(", ", shape.ToArray());

    private static int CountOf(ReadOnlySpan<int> shape)
    {
        long count = 1;
        foreach (var size in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(shape));
            count = checked(count * size);
        }

        return checked((int)count);
    }
}
