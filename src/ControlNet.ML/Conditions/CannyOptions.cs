using System.ComponentModel.DataAnnotations;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="Canny"/>, as of cv2.Canny.</summary>
public sealed record CannyOptions
{
    /// <summary>A gradient above this continues an edge; at least 0. If it is above <see cref="High"/>, the two are swapped.</summary>
    /// <value>100.</value>
    [Range(0, double.MaxValue)]
    public double Low { get; init; } = 100;

    /// <summary>A gradient above this starts an edge; at least 0.</summary>
    /// <value>200.</value>
    [Range(0, double.MaxValue)]
    public double High { get; init; } = 200;

    /// <summary>Whether a gradient's norm is √(dx² + dy²) instead of |dx| + |dy|.</summary>
    /// <value>False.</value>
    public bool L2Gradient { get; init; }

    /// <summary>The side of the Sobel kernel: 3, 5 or 7. Gradients grow with it.</summary>
    /// <value>3.</value>
    [AllowedValues(3, 5, 7)]
    public int Aperture { get; init; } = 3;

    /// <summary>Throws unless the settings are usable.</summary>
    /// <exception cref="ControlNetException">A threshold is negative or NaN, or the aperture is not 3, 5 or 7.</exception>
    public void Check() => ConditionOption.Check(this, "canny");
}
