using System.ComponentModel.DataAnnotations;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="Tile"/>.</summary>
public sealed record TileOptions
{
    /// <summary>Factor by which the image is downsampled before it is upsampled to its size, 1 to 64. Below 1.1 nothing changes.</summary>
    /// <value>2.</value>
    [Range(1, 64)]
    public double DownSampling { get; init; } = 2;
}

/// <summary>The image without its fine detail, for networks that add new detail.</summary>
public static class Tile
{
    private const double Unchanged = 1.1;

    /// <summary>Downsamples the image (area) and upsamples it to its size (cubic).</summary>
    /// <param name="image">The image.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>A new image of the same size.</returns>
    /// <exception cref="ControlNetException">The factor is out of range.</exception>
    public static ImageBuffer Apply(ImageBuffer image, TileOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        var small = Down(image, options);
        return Resize.Apply(small, image.Width, image.Height, Interpolation.Cubic);
    }

    /// <summary>Only the downsampling: the small image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>The image, downsampled.</returns>
    public static ImageBuffer Down(ImageBuffer image, TileOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        var factor = ConditionOption.Check(options ?? new(), "tile").DownSampling;
        return factor < Unchanged
            ? image
            : Resize.Apply(image, Math.Max(1, (int)(image.Width / factor)), Math.Max(1, (int)(image.Height / factor)), Interpolation.Area);
    }
}
