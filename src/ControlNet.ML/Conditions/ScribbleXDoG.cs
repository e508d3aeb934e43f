using System.ComponentModel.DataAnnotations;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="ScribbleXDoG"/>.</summary>
public sealed record ScribbleXDoGOptions
{
    /// <summary>Threshold of the difference that makes a stroke, 0 to 255.</summary>
    /// <value>32.</value>
    [Range(0, 255)]
    public int Threshold { get; init; } = 32;
}

/// <summary>A scribble from a photo: strokes where two Gaussian blurs (sigma 0.5 and 5) differ enough.</summary>
public static class ScribbleXDoG
{
    /// <summary>
    /// Finds the strokes. As in the public annotator, the doubled difference is an 8-bit number that wraps around, so the strongest
    /// contrasts (128 to 128 + threshold / 2) leave holes.
    /// </summary>
    /// <param name="image">The photograph.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>One channel of 0 and 255, of the same size.</returns>
    /// <exception cref="ControlNetException">The threshold is out of range.</exception>
    public static ImageBuffer Apply(ImageBuffer image, ScribbleXDoGOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        var threshold = ConditionOption.Check(options ?? new(), "scribble_xdog").Threshold;
        var colors = Color.Hwc3(image);
        float[] samples = [.. colors.Samples.Select(sample => (float)sample)];
        var fine = GaussianBlur.Apply(samples, image.Width, image.Height, 3, 0.5);
        var coarse = GaussianBlur.Apply(samples, image.Width, image.Height, 3, 5);
        for (var i = 0; i < samples.Length; i++)
            samples[i] = coarse[i] - fine[i];

        var result = new ImageBuffer(image.Width, image.Height, 1);
        for (var i = 0; i < result.Samples.Length; i++)
        {
            var dog = (byte)Math.Clamp(255 - Darkest.Of(samples, i), 0, 255);
            result.Samples[i] = unchecked((byte)(2 * (255 - dog))) > threshold ? byte.MaxValue : byte.MinValue;
        }

        return result;
    }
}
