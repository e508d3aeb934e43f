using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Components;

/// <summary>Reads one control of a row: its settings, and its hint where they let it matter.</summary>
/// <param name="control">The control.</param>
/// <param name="condition">The column of its conditions.</param>
/// <param name="inputs">Gets the columns to read.</param>
internal sealed class RowControlReader(ControlColumn control, InputColumn condition, InputColumns inputs)
{
    private readonly int _condition = inputs.Add(condition);
    private readonly int? _scale = inputs.Add(control.ScaleColumn, InputColumn.Number);
    private readonly int? _start = inputs.Add(control.StartColumn, InputColumn.Number);
    private readonly int? _end = inputs.Add(control.EndColumn, InputColumn.Number);
    private readonly int? _weighting = inputs.Add(control.WeightingColumn, InputColumn.Text);

    /// <summary>The control network.</summary>
    public ControlNetwork Network => control.Network;

    /// <summary>Reads a row.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="row">Which.</param>
    /// <param name="shape">The hint's shape, [1, C, h, w].</param>
    /// <param name="hint">Makes the hint of the condition in a column.</param>
    /// <exception cref="ControlNetException">A setting is out of its range, or there is no condition.</exception>
    public RowControl Read(RowBatch batch, int row, int[] shape, Func<int, TensorData> hint)
    {
        var unit = Unit(batch, row);

        // All rows of a run have the same networks; one of scale 0 is not run.
        return new RowControl(Network.Backend, unit.Scale == 0 ? TensorData.Zeros(shape) : hint(_condition), unit);
    }

    private ControlUnit Unit(RowBatch batch, int row)
    {
        var unit = control.Unit;
        if (_scale is { } scale)
            unit = unit with { Scale = Wishes.Number(batch, scale, row) };
        if (_start is { } start)
            unit = unit with { Start = Wishes.Number(batch, start, row) };
        if (_end is { } end)
            unit = unit with { End = Wishes.Number(batch, end, row) };
        if (_weighting is { } weighting && Wishes.Weighting(batch, weighting, row) is { } chosen)
            unit = unit with { Weighting = chosen };
        Wishes.Check(unit.Validate);
        return unit;
    }
}
