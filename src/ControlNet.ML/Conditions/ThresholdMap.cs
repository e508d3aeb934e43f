using System.ComponentModel.DataAnnotations;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="ThresholdMap"/>.</summary>
public sealed record ThresholdOptions
{
    /// <summary>A pixel is white if its darkest channel is above this, 0 to 255.</summary>
    /// <value>127.</value>
    [Range(0, 255)]
    public int Threshold { get; init; } = 127;
}

/// <summary>The image in black and white.</summary>
public static class ThresholdMap
{
    /// <summary>Thresholds the image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>One channel of 0 and 255, of the same size.</returns>
    /// <exception cref="ControlNetException">The threshold is out of range.</exception>
    public static ImageBuffer Apply(ImageBuffer image, ThresholdOptions? options = null)
    {
        var threshold = ConditionOption.Check(options ?? new(), "threshold").Threshold;
        return Darkest.Map(image, level => level > threshold);
    }
}
