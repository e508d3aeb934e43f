using ControlNet.ML.Evaluation;

namespace ControlNet.ML.Components;

/// <summary>What is compared of a condition and that of the result.</summary>
public enum FidelityMetric
{
    /// <summary>Edges: the F1 of edge pixels, which match within a tolerance. See <see cref="EdgeFidelity"/>.</summary>
    EdgeF1,

    /// <summary>Masks: intersection over union. See <see cref="MaskOverlap.Iou"/>.</summary>
    MaskIou,
}

/// <summary>Options of the component that scores each row's image against its condition.</summary>
public sealed record FidelityComponentOptions : ComponentOptions
{
    /// <summary>For edges: the maximum distance in pixels between matching edge pixels; not negative.</summary>
    /// <value>2.</value>
    public double Tolerance { get; init; } = 2;

    /// <inheritdoc/>
    public override string? Validate() => base.Validate()
        ?? (Tolerance >= 0 && double.IsFinite(Tolerance) ? null : $"{nameof(Tolerance)} is {Tolerance}, expected at least 0.");
}
