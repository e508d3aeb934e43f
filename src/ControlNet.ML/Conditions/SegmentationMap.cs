using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="SegmentationMap"/>.</summary>
public sealed record SegmentationMapOptions
{
    /// <summary>The palette: <c>ade20k</c> or <c>coco-panoptic</c>.</summary>
    /// <value><c>ade20k</c>.</value>
    public string Palette { get; init; } = "ade20k";

    /// <summary>Whether the image holds labels, one a pixel in its grey levels, and not colors.</summary>
    /// <value>False.</value>
    public bool Labels { get; init; }
}

/// <summary>An image that is a segmentation already, in exactly the colors that the networks know.</summary>
public static class SegmentationMap
{
    /// <summary>Gives every pixel the color of its label, or the palette's nearest to its own: what JPEG or resampling has blurred is sharp again.</summary>
    /// <param name="image">Labels (the first channel counts, 255 is none) or colors.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>RGB, of the same size.</returns>
    /// <exception cref="ControlNetException">There is no such palette, or a label is not of it.</exception>
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
