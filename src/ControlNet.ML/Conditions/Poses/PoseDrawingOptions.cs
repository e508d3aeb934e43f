namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="PoseDrawing"/>.</summary>
public sealed record PoseDrawingOptions
{
    /// <summary>The annotator whose drawing is reproduced.</summary>
    /// <value><see cref="PoseStyle.V11"/>, which the ControlNet 1.1 networks were trained with.</value>
    public PoseStyle Style { get; init; } = PoseStyle.V11;

    /// <summary>Whether bodies are drawn.</summary>
    /// <value>True.</value>
    public bool Body { get; init; } = true;

    /// <summary>Whether hands are drawn, if people have them.</summary>
    /// <value>True.</value>
    public bool Hands { get; init; } = true;

    /// <summary>Whether faces are drawn, if people have them.</summary>
    /// <value>True.</value>
    public bool Face { get; init; } = true;
}
