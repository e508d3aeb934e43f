using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Settings of <see cref="ColourGrid"/>.</summary>
public sealed record ColourGridOptions
{
    /// <summary>The side of a cell in pixels, 1 to 4,096.</summary>
    /// <value>64.</value>
    public int Cell { get; init; } = 64;
}

/// <summary>The picture as large squares of one colour each: where which colour goes, and nothing else (T2I-Adapter's colour grid).</summary>
public static class ColourGrid
{
    /// <summary>Makes the picture as small as it has cells (cubic) and brings it back to its size (nearest).</summary>
    /// <param name="image">The picture; alpha is laid on white.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>RGB, of the same size.</returns>
    /// <exception cref="ControlNetException">The cell is out of its range.</exception>
    public static ImageBuffer Apply(ImageBuffer image, ColourGridOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        var cell = (int)Ranges.Number((options ?? new()).Cell, "The colour grid's cell", 1, 4096);
        var small = Resize.Apply(Colour.Hwc3(image), Math.Max(1, image.Width / cell), Math.Max(1, image.Height / cell), Interpolation.Cubic);
        return Resize.Apply(small, image.Width, image.Height, Interpolation.Nearest);
    }
}
