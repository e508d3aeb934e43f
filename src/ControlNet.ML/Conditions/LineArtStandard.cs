using System.ComponentModel.DataAnnotations;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="LineArtStandard"/>.</summary>
public sealed record LineArtStandardOptions
{
    /// <summary>Standard deviation in pixels of the blur that lines are compared with, above 0 and at most 1,000.</summary>
    /// <value>6.</value>
    [Range(0, 1000, MinimumIsExclusive = true)]
    public double Sigma { get; init; } = 6;

    /// <summary>Minimum difference, exclusive, that counts as a line when the strength is measured, 0 to 255.</summary>
    /// <value>8.</value>
    [Range(0, 255)]
    public double Cut { get; init; } = 8;
}

/// <summary>Line art without a network: pixels darker than their surroundings, normalised to a common strength.</summary>
public static class LineArtStandard
{
    /// <summary>Finds the lines.</summary>
    /// <param name="image">The image.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>One channel, white lines on black, of the same size.</returns>
    /// <exception cref="ControlNetException">A setting is out of range.</exception>
    public static ImageBuffer Apply(ImageBuffer image, LineArtStandardOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        options = ConditionOption.Check(options ?? new(), "lineart_standard");
        float[] samples = [.. Color.Hwc3(image).Samples.Select(sample => (float)sample)];
        var blurred = GaussianBlur.Apply(samples, image.Width, image.Height, 3, options.Sigma);
        for (var i = 0; i < samples.Length; i++)
            samples[i] = blurred[i] - samples[i];

        var strength = new float[image.Width * image.Height];
        for (var i = 0; i < strength.Length; i++)
            strength[i] = Math.Clamp(Darkest.Of(samples, i), 0, 255);
        var unit = Math.Max(16, MedianAbove(strength, (float)options.Cut));

        var result = new ImageBuffer(image.Width, image.Height, 1);
        for (var i = 0; i < strength.Length; i++)
            result.Samples[i] = (byte)Math.Clamp(strength[i] / unit * 127, 0, 255);
        return result;
    }

    /// <summary>The median of the values above the cut; 0 if there are none.</summary>
    private static float MedianAbove(float[] values, float cut)
    {
        float[] above = [.. values.Where(value => value > cut).Order()];
        if (above.Length == 0)
            return 0;
        return above.Length % 2 == 1 ? above[above.Length / 2] : (above[(above.Length / 2) - 1] + above[above.Length / 2]) / 2;
    }
}
