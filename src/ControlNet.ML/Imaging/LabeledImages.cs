using ControlNet.ML.Notebooks;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Images with their labels, which notebooks show side by side, each under its label. <see cref="ImageGrid"/> makes one image of several.
/// </summary>
[TypeFormatterSource(typeof(ImageFormatters), PreferredMimeTypes = ["text/html"])]
public sealed class LabeledImages
{
    /// <summary>Labels images.</summary>
    /// <param name="images">Labels and images, in reading order; sizes may differ.</param>
    /// <param name="columns">Images per row, at least 1; null for all in one row.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="columns"/> is less than 1.</exception>
    public LabeledImages(IReadOnlyList<(string Label, ImageBuffer Image)> images, int? columns = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns ?? 1, 1, nameof(columns));
        Images = images;
        Columns = columns ?? Math.Max(1, images.Count);
    }

    /// <summary>Labels and images, in reading order.</summary>
    public IReadOnlyList<(string Label, ImageBuffer Image)> Images { get; }

    /// <summary>Images per row.</summary>
    public int Columns { get; }
}
