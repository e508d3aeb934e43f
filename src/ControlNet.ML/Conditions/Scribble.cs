using System.ComponentModel.DataAnnotations;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="Scribble"/>.</summary>
public sealed record ScribbleOptions
{
    /// <summary>A pixel is a stroke if its darkest channel is below this, 0 to 255.</summary>
    /// <value>127.</value>
    [Range(0, 255)]
    public int Threshold { get; init; } = 127;
}

/// <summary>A drawing with dark strokes on a light background as a scribble map: white strokes on black.</summary>
public static class Scribble
{
    /// <summary>Finds the strokes.</summary>
    /// <param name="image">The drawing.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>One channel of 0 and 255, of the same size.</returns>
    /// <exception cref="ControlNetException">The threshold is out of range.</exception>
    public static ImageBuffer Apply(ImageBuffer image, ScribbleOptions? options = null)
    {
        var threshold = ConditionOption.Check(options ?? new(), "scribble").Threshold;
        return Darkest.Map(image, level => level < threshold);
    }
}
