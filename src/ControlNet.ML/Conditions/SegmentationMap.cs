using System.ComponentModel.DataAnnotations;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="SegmentationMap"/>.</summary>
public sealed record SegmentationMapOptions
{
    /// <summary>The palette: <c>ade20k</c> or <c>coco-panoptic</c>.</summary>
    /// <value><c>ade20k</c>.</value>
    [AllowedValues("ade20k", "coco-panoptic")]
    public string Palette { get; init; } = "ade20k";

    /// <summary>Whether the image holds labels, as grey levels, instead of colors.</summary>
    /// <value>False.</value>
    public bool Labels { get; init; }
}

/// <summary>Converts an image that already is a segmentation to the exact colors that the networks were trained with.</summary>
public static class SegmentationMap
{
    /// <summary>
    /// Sets every pixel to the color of its label, or to the palette's nearest color: this restores maps that JPEG or resampling blurred.
    /// </summary>
    /// <param name="image">Labels (in the first channel, 255 for none) or colors.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>RGB, of the same size.</returns>
    /// <exception cref="ControlNetException">The palette is unknown, or a label is not in it.</exception>
    public static ImageBuffer Apply(ImageBuffer image, SegmentationMapOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        options ??= new();
        var palette = SegmentationPalette.Find(options.Palette);
        return palette.ToColors(options.Labels ? FirstChannel(image) : palette.ToNearestLabels(image));
    }

    private static ImageBuffer FirstChannel(ImageBuffer image)
    {
        var result = new ImageBuffer(image.Width, image.Height, 1);
        for (var i = 0; i < result.Samples.Length; i++)
            result.Samples[i] = image.Samples[i * image.Channels];
        return result;
    }
}
