using System.ComponentModel.DataAnnotations;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="ColorGrid"/>.</summary>
public sealed record ColorGridOptions
{
    /// <summary>The side of a cell in pixels, 1 to 4,096.</summary>
    /// <value>64.</value>
    [Range(1, 4096)]
    public int Cell { get; init; } = 64;
}

/// <summary>
/// The image as a coarse grid of single-colored squares, which gives only the placement of colors (T2I-Adapter's color grid).
/// </summary>
public static class ColorGrid
{
    /// <summary>Downsamples the image to one pixel per cell (cubic) and upsamples it to its size (nearest).</summary>
    /// <param name="image">The image; alpha is composited on white.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>RGB, of the same size.</returns>
    /// <exception cref="ControlNetException">The cell is out of range.</exception>
    public static ImageBuffer Apply(ImageBuffer image, ColorGridOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        var cell = ConditionOption.Check(options ?? new(), "color_grid").Cell;
        var small = Resize.Apply(Color.Hwc3(image), Math.Max(1, image.Width / cell), Math.Max(1, image.Height / cell), Interpolation.Cubic);
        return Resize.Apply(small, image.Width, image.Height, Interpolation.Nearest);
    }
}
