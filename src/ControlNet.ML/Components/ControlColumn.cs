using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Components;

/// <summary>One control for all rows: a network, the column with its conditions, and how much, when and in what manner it takes part.</summary>
/// <param name="Column">
/// Where the conditions are: to <see cref="ControlNetTransforms.Generate"/> an image column, whose images are stretched to the size of
/// the image to be made where theirs is another; to <see cref="ControlNetTransforms.Denoise"/> a column of
/// <see cref="ControlNetTransforms.EncodeCondition"/>. A row whose scale is 0 needs none.
/// </param>
/// <param name="Network">The control network, of the model's family. It stays the program's, which disposes it after the last row.</param>
public sealed record ControlColumn(string Column, ControlNetwork Network)
{
    /// <summary>Scale, window and weighting of the rows for which no column says otherwise.</summary>
    /// <value>Scale 1, all steps, uniform.</value>
    public ControlUnit Unit { get; init; } = new();

    /// <summary>A column of numbers with each row's scale.</summary>
    /// <value>Null: the unit's.</value>
    public string? ScaleColumn { get; init; }

    /// <summary>A column of numbers with the begin of each row's window, 0 to 1.</summary>
    /// <value>Null: the unit's.</value>
    public string? StartColumn { get; init; }

    /// <summary>A column of numbers with the end of each row's window, from its begin to 1.</summary>
    /// <value>Null: the unit's.</value>
    public string? EndColumn { get; init; }

    /// <summary>
    /// A text column with each row's weighting by its name (<see cref="ControlWeightingNames"/>), in upper or lower case; the unit's where the text is empty.
    /// </summary>
    /// <value>Null: the unit's.</value>
    public string? WeightingColumn { get; init; }
}

/// <summary>What a saved model holds of a control.</summary>
internal sealed record ControlSettings(
    string Column, WeightReference Network, ControlUnit Unit, string? ScaleColumn, string? StartColumn, string? EndColumn, string? WeightingColumn)
{
    /// <summary>Of a control.</summary>
    /// <param name="control">The control.</param>
    /// <param name="network">Where its network's weights are.</param>
    public static ControlSettings Of(ControlColumn control, WeightReference network) => new(
        control.Column, network, control.Unit, control.ScaleColumn, control.StartColumn, control.EndColumn, control.WeightingColumn);

    /// <summary>With a network that was opened for it.</summary>
    public ControlColumn With(ControlNetwork network) => new(Column, network)
    {
        Unit = Unit,
        ScaleColumn = ScaleColumn,
        StartColumn = StartColumn,
        EndColumn = EndColumn,
        WeightingColumn = WeightingColumn,
    };
}
