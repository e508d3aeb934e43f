using System.ComponentModel.DataAnnotations;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="Recolor"/>.</summary>
public sealed record RecolorOptions
{
    /// <summary>Exponent of the brightness: below 1 is lighter, above 1 darker; 0.1 to 2.</summary>
    /// <value>1.</value>
    [Range(0.1, 2)]
    public double Gamma { get; init; } = 1;
}

/// <summary>The image without its colors, for networks that recolor it.</summary>
public static class Recolor
{
    /// <summary>
    /// Perceived lightness: L of Lab, with red and blue swapped as in the web UI's preprocessor, with whose maps the public networks
    /// are used.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>One channel, of the same size.</returns>
    /// <exception cref="ControlNetException">Gamma is out of range.</exception>
    public static ImageBuffer Luminance(ImageBuffer image, RecolorOptions? options = null) =>
        Curve(Color.LabLightness(Color.Hwc3(image), ChannelOrder.Bgr), ConditionOption.Check(options ?? new(), "recolor_luminance"));

    /// <summary>The maximum of the channels: V of HSV.</summary>
    /// <param name="image">The image.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>One channel, of the same size.</returns>
    /// <exception cref="ControlNetException">Gamma is out of range.</exception>
    public static ImageBuffer Intensity(ImageBuffer image, RecolorOptions? options = null) =>
        Curve(Color.HsvValue(Color.Hwc3(image)), ConditionOption.Check(options ?? new(), "recolor_intensity"));

    private static ImageBuffer Curve(ImageBuffer grey, RecolorOptions options)
    {
        var gamma = (float)options.Gamma;
        var curve = new byte[256];
        for (var level = 0; level < curve.Length; level++)
            curve[level] = (byte)Math.Clamp(MathF.Pow(level / 255f, gamma) * 255, 0, 255);
        for (var i = 0; i < grey.Samples.Length; i++)
            grey.Samples[i] = curve[grey.Samples[i]];
        return grey;
    }
}
