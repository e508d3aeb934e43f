using System.Numerics.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>
/// The sum of the scaled residuals of all control networks, for the rows that the UNet gets. The residuals of the first network are scaled
/// and added to where ONNX Runtime has put them; nothing is copied unless a network is run for some of the rows only.
/// </summary>
/// <param name="rows">The number of the UNet's rows.</param>
internal sealed class ResidualSum(int rows) : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private OrtValue[] _sums = [];

    /// <summary>The sums; empty if no residuals were added.</summary>
    public IReadOnlyList<OrtValue> Values => _sums;

    /// <summary>Takes the residuals of the only network as they are, in whatever memory, and disposes them with this.</summary>
    /// <param name="residuals">The residuals, of the UNet's rows.</param>
    public void Take(IDisposableReadOnlyCollection<OrtValue> residuals)
    {
        _owned.Add(residuals);
        _sums = [.. residuals];
    }

    /// <summary>Adds the residuals of one network, and disposes them with this.</summary>
    /// <param name="residuals">The residuals, of the network's rows.</param>
    /// <param name="positions">
    /// For each of these rows, its position among the UNet's; -1 for one that is only there to fill the batch.
    /// </param>
    /// <param name="scales">For each of these rows, the scale of each residual.</param>
    public void Add(IDisposableReadOnlyCollection<OrtValue> residuals, int[] positions, IReadOnlyList<float[]> scales)
    {
        _owned.Add(residuals);
        var isWhole = positions.AsSpan().SequenceEqual(Enumerable.Range(0, rows).ToArray());
        if (_sums.Length == 0 && isWhole && residuals.All(residual => residual.IsSingle()))
        {
            _sums = [.. residuals];
            for (var i = 0; i < _sums.Length; i++)
            {
                var values = _sums[i].GetTensorMutableDataAsSpan<float>();
                var length = values.Length / rows;
                for (var row = 0; row < rows; row++)
                {
                    if (scales[row][i] != 1)
                        TensorPrimitives.Multiply(values.Slice(row * length, length), scales[row][i], values.Slice(row * length, length));
                }
            }

            return;
        }

        if (_sums.Length == 0)
            _sums = [.. residuals.Select(Zeros)];
        for (var i = 0; i < residuals.Count; i++)
            AddRows(residuals[i], positions, scales, i);
    }

    public void Dispose() => _owned.ForEach(value => value.Dispose());

    private void AddRows(OrtValue residual, int[] positions, IReadOnlyList<float[]> scales, int index)
    {
        var sums = _sums[index].GetTensorMutableDataAsSpan<float>();
        var values = residual.IsSingle() ? residual.GetTensorDataAsSpan<float>() : residual.ToData().Values;
        var length = values.Length / positions.Length;
        if (sums.Length != length * rows)
            throw new ControlNetException(
                $"Residual {index} of a control network has {length} values per row, expected {sums.Length / rows} as another network's: "
                    + "expected control networks of one family.");
        for (var row = 0; row < positions.Length; row++)
        {
            if (positions[row] < 0)
                continue;
            var target = sums.Slice(positions[row] * length, length);
            TensorPrimitives.MultiplyAdd(values.Slice(row * length, length), scales[row][index], target, target);
        }
    }

    private OrtValue Zeros(OrtValue residual)
    {
        int[] shape = [rows, .. residual.Shape()[1..]];
        var value = OrtValue.CreateTensorValueFromMemory(
            new float[shape.Aggregate(1, (a, b) => a * b)], Array.ConvertAll(shape, size => (long)size));
        _owned.Add(value);
        return value;
    }
}
