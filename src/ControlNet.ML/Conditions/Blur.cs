using System.ComponentModel.DataAnnotations;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="Blur"/>.</summary>
public sealed record BlurOptions
{
    /// <summary>Standard deviation in pixels, above 0 and at most 1,000.</summary>
    /// <value>9, as in the public annotators.</value>
    [Range(0, 1000, MinimumIsExclusive = true)]
    public double Sigma { get; init; } = 9;
}

/// <summary>A Gaussian blur of the image, for networks that sharpen.</summary>
public static class Blur
{
    /// <summary>Blurs as cv2.GaussianBlur does.</summary>
    /// <param name="image">The image.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>A new image of the same size.</returns>
    /// <exception cref="ControlNetException">The sigma is out of range.</exception>
    public static ImageBuffer Apply(ImageBuffer image, BlurOptions? options = null) =>
        GaussianBlur.Apply(image, ConditionOption.Check(options ?? new(), "blur").Sigma);
}
