namespace ControlNet.ML.Weights.Conversion;

/// <summary>How weights are converted.</summary>
public sealed record ConvertOptions
{
    /// <summary>
    /// The element type to write: <see cref="TensorType.F32"/>, <see cref="TensorType.F16"/> or <see cref="TensorType.BF16"/>.
    /// </summary>
    /// <value>Default: null: that of the source, bit for bit.</value>
    public TensorType? Type { get; init; }

    /// <summary>Progress of the writing, from 0 to 1.</summary>
    public IProgress<double>? Progress { get; init; }

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentException">The type is another one.</exception>
    internal void Check()
    {
        if (Type is not (null or TensorType.F32 or TensorType.F16 or TensorType.BF16))
            throw new ArgumentException($"Type is {Type}, expected F32, F16 or BF16.");
    }
}
