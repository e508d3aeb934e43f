using System.Globalization;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="Canny"/>, as of cv2.Canny.</summary>
public sealed record CannyOptions
{
    /// <summary>A gradient above this continues an edge; at least 0. If it is above <see cref="High"/>, the two are swapped.</summary>
    /// <value>100.</value>
    public double Low { get; init; } = 100;

    /// <summary>A gradient above this starts an edge; at least 0.</summary>
    /// <value>200.</value>
    public double High { get; init; } = 200;

    /// <summary>Whether a gradient's norm is √(dx² + dy²) instead of |dx| + |dy|.</summary>
    /// <value>False.</value>
    public bool L2Gradient { get; init; }

    /// <summary>The side of the Sobel kernel: 3, 5 or 7. Gradients grow with it.</summary>
    /// <value>3.</value>
    public int Aperture { get; init; } = 3;

    /// <summary>Throws unless the settings are usable.</summary>
    /// <exception cref="ControlNetException">A threshold is negative or NaN, or the aperture is not 3, 5 or 7.</exception>
    public void Check()
    {
        CheckThreshold(Low, nameof(Low));
        CheckThreshold(High, nameof(High));
        if (Aperture is not (3 or 5 or 7))
            throw new ControlNetException($"Canny's {nameof(Aperture)} is {Aperture}, expected 3, 5 or 7.");
    }

    private static void CheckThreshold(double value, string name)
    {
        if (!double.IsFinite(value) || value < 0)
        {
            throw new ControlNetException(string.Create(
                CultureInfo.InvariantCulture, $"Canny's threshold {name} is {value}, expected a number of at least 0."));
        }
    }
}
