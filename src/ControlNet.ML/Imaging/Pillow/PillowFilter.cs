namespace ControlNet.ML.Imaging;

/// <summary>The filters of <see cref="PillowResize"/>, by Pillow's names.</summary>
public enum PillowFilter
{
    /// <summary>The nearest pixel.</summary>
    Nearest,

    /// <summary>The mean of the covered pixels.</summary>
    Box,

    /// <summary>A triangle over two pixels.</summary>
    Bilinear,

    /// <summary>A Hamming-windowed sinc over two pixels.</summary>
    Hamming,

    /// <summary>A cubic over four pixels, a = -0.5.</summary>
    Bicubic,

    /// <summary>A Lanczos-windowed sinc over six pixels, which diffusers uses.</summary>
    Lanczos,
}

/// <summary>
/// The order of the passes of <see cref="PillowResize"/>. Samples are rounded to 8 bits after each, so the order affects results.
/// </summary>
public enum PillowPassOrder
{
    /// <summary>As Pillow 13: vertical first when the height shrinks by more than twice what the width does.</summary>
    ByShape,

    /// <summary>As Pillow up to 12.</summary>
    HorizontalFirst,

    /// <summary>Rows before columns.</summary>
    VerticalFirst,
}

/// <summary>A box in an image, in pixels, possibly fractional: the whole image is (0, 0, width, height).</summary>
/// <param name="Left">From the left edge, at least 0.</param>
/// <param name="Top">From the upper edge, at least 0.</param>
/// <param name="Right">From the left edge, at least <paramref name="Left"/>.</param>
/// <param name="Bottom">From the upper edge, at least <paramref name="Top"/>.</param>
public readonly record struct PillowBox(float Left, float Top, float Right, float Bottom);
