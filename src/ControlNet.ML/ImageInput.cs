using ControlNet.ML.Imaging;

namespace ControlNet.ML;

/// <summary>
/// An image to begin from in place of noise alone: image to image; with a mask inpainting; with a depth map for models that take one.
/// As diffusers' Img2Img, Inpaint and Depth2Img pipelines, with and without control networks.
/// </summary>
/// <param name="Image">The image; one of another size than the result is stretched to it (Pillow's LANCZOS), alpha is dropped.</param>
public sealed record ImageInput(ImageBuffer Image)
{
    /// <summary>
    /// How much is made anew, 0 to 1: the share of the steps that run, from the image with as much noise. 1 leaves next to nothing of it.
    /// </summary>
    /// <value>Null: 0.8, and 1 where there is a mask.</value>
    public double? Strength { get; init; }

    /// <summary>
    /// What is to be made anew, white (128 or more), the rest to stay; stretched as the image is. Transparent parts are not painted: they stay,
    /// and a warning of the result says so. A model for inpainting (SD1's has nine input channels) needs a mask; with any other, the rest is put
    /// back after each step.
    /// </summary>
    /// <value>Null: all of the image changes.</value>
    public ImageBuffer? Mask { get; init; }

    /// <summary>
    /// The depths, larger being nearer, in whatever unit: for models with a depth channel (SD2's), which need it.
    /// </summary>
    /// <value>Null.</value>
    public FloatMap? Depth { get; init; }

    /// <summary>The image as values, [1, 3, H, W] from 0 to 1, exactly of the result's size; in place of the image where 8 bits are too coarse.</summary>
    public TensorData? Tensor { get; init; }

    internal int Width => Tensor?.Shape[^1] ?? Image.Width;

    internal int Height => Tensor?.Shape[^2] ?? Image.Height;

    internal double StrengthOrDefault => Strength ?? DefaultStrength(Mask is not null);

    /// <summary>The strength where none is said.</summary>
    internal static double DefaultStrength(bool hasMask) => hasMask ? 1 : 0.8;

    /// <summary>What the user should know of the mask, or null: programs differ in what transparent parts of one mean.</summary>
    internal string? MaskWarning => Mask is { IsOpaque: false }
        ? "The mask has transparent parts: these are not painted, so the image stays there."
        : null;

    /// <summary>Checks the values that need no model.</summary>
    /// <returns>What is wrong: a value outside its range. Null if nothing is.</returns>
    internal string? Validate()
    {
        if (Strength is not (null or (>= 0 and <= 1)))
            return $"Strength is {Strength}, expected 0 to 1.";
        return Tensor is { } tensor && tensor.Shape is not [1, 3, _, _]
            ? $"The image to begin from is {tensor}, expected [1, 3, height, width]."
            : null;
    }
}
