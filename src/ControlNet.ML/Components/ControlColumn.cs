using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Components;

/// <summary>One control for all rows: a control network, the column with its conditions, and its scale, window and weighting.</summary>
/// <param name="Column">
/// The column with the conditions. For <see cref="ControlNetTransforms.Generate"/> an image column, whose images are stretched to the
/// generated size where they differ from it; for <see cref="ControlNetTransforms.Denoise"/> a column of
/// <see cref="ControlNetTransforms.EncodeCondition"/>. A row whose scale is 0 needs no condition.
/// </param>
/// <param name="Network">The control network, of the model's family. The caller keeps ownership and disposes it after the last row.</param>
public sealed record ControlColumn(string Column, ControlNetwork Network)
{
    /// <summary>Scale, window and weighting of the rows for which no column gives them.</summary>
    /// <value>Scale 1, all steps, uniform.</value>
    public ControlUnit Unit { get; init; } = new();

    /// <summary>A column of numbers with each row's scale.</summary>
    /// <value>Null: the unit's.</value>
    public string? ScaleColumn { get; init; }

    /// <summary>A column of numbers with the start of each row's window, 0 to 1.</summary>
    /// <value>Null: the unit's.</value>
    public string? StartColumn { get; init; }

    /// <summary>A column of numbers with the end of each row's window, from its start to 1.</summary>
    /// <value>Null: the unit's.</value>
    public string? EndColumn { get; init; }

    /// <summary>
    /// A text column with each row's weighting by name (<see cref="ControlWeightingNames"/>), in upper or lower case; rows with an empty
    /// text use the unit's.
    /// </summary>
    /// <value>Null: the unit's.</value>
    public string? WeightingColumn { get; init; }
}

/// <summary>A control's settings in a saved model.</summary>
internal sealed record ControlSettings(
    string Column,
    WeightReference Network,
    ControlUnit Unit,
    string? ScaleColumn,
    string? StartColumn,
    string? EndColumn,
    string? WeightingColumn)
{
    /// <summary>Gets the settings of a control.</summary>
    /// <param name="control">The control.</param>
    /// <param name="network">The reference to its network's weights.</param>
    public static ControlSettings Of(ControlColumn control, WeightReference network) => new(
        control.Column, network, control.Unit, control.ScaleColumn, control.StartColumn, control.EndColumn, control.WeightingColumn);

    /// <summary>The control with an opened network.</summary>
    public ControlColumn With(ControlNetwork network) => new(Column, network)
    {
        Unit = Unit,
        ScaleColumn = ScaleColumn,
        StartColumn = StartColumn,
        EndColumn = EndColumn,
        WeightingColumn = WeightingColumn,
    };
}
