using System.Numerics.Tensors;

namespace ControlNet.ML.Weights;

/// <summary>
/// A change of low rank of a weight: up [out, r] times down [r, in], both flattened after their first dimension. The factors are read when
/// they are first needed, and again after <see cref="Release"/>.
/// </summary>
internal sealed class LowRankChange
{
    private readonly WeightTensor _up, _down;
    private readonly int _rank, _columns;
    private Lazy<(float[] Up, float[] Down)> _factors;

    private LowRankChange(WeightTensor up, WeightTensor down, int rank, int columns)
    {
        (_up, _down, _rank, _columns) = (up, down, rank, columns);
        _factors = new(Read);
    }

    /// <summary>Creates the change of a weight.</summary>
    /// <param name="weight">The weight, [out, …].</param>
    /// <param name="up">[out, r], or [out, r, 1, 1].</param>
    /// <param name="down">[r, …] with the weight's other dimensions.</param>
    /// <exception cref="ControlNetException">The shapes do not fit together, or a factor has no floating-point numbers.</exception>
    public static LowRankChange Of(WeightTensor weight, WeightTensor up, WeightTensor down)
    {
        foreach (var factor in new[] { up, down })
        {
            if (!factor.Type.IsFloatingPoint())
                throw new ControlNetException(
                    $"{factor.File.Name}: {Message.Name(factor.Key)} is {factor.Type.FormatName()}, expected floating-point numbers.");
        }

        var (outputs, rank) = (weight.Shape[0], down.Shape is [var first, ..] ? first : 0);
        var columns = outputs == 0 ? 0 : weight.Count / outputs;
        return rank > 0 && up.Shape is [var rows, var inner, ..] && rows == outputs && inner == rank && up.Count == outputs * rank
            && down.Count == rank * columns && up.Count <= Array.MaxLength && down.Count <= Array.MaxLength
            ? new LowRankChange(up, down, (int)rank, (int)columns)
            : throw new ControlNetException(
                $"{up.File.Name}: {Message.Name(up.Key)} is {Message.Shape(up.Shape)} and {Message.Name(down.Key)} "
                    + $"{Message.Shape(down.Shape)}, expected factors of {Message.Shape(weight.Shape)}: the Control-LoRA belongs to "
                    + "another base model.");
    }

    /// <summary>Adds the change of some elements.</summary>
    /// <param name="first">The first element of the weight, in row-major order.</param>
    /// <param name="destination">Those elements.</param>
    public void AddTo(long first, Span<float> destination)
    {
        var (up, down) = _factors.Value;
        for (var done = 0; done < destination.Length;)
        {
            var (row, column) = Math.DivRem(first + done, _columns);
            var part = destination.Slice(done, Math.Min(destination.Length - done, _columns - (int)column));
            for (var k = 0; k < _rank; k++)
                TensorPrimitives.MultiplyAdd(down.AsSpan((k * _columns) + (int)column, part.Length), up[(row * _rank) + k], part, part);
            done += part.Length;
        }
    }

    /// <summary>Frees the factors, which are read again if need be.</summary>
    public void Release() => _factors = new(Read);

    private (float[] Up, float[] Down) Read()
    {
        var (up, down) = (new float[_up.Count], new float[_down.Count]);
        _up.CopyTo(up);
        _down.CopyTo(down);
        return (up, down);
    }
}
