using ControlNet.ML.Imaging;

namespace ControlNet.ML;

/// <summary>
/// An initial image instead of noise alone: image-to-image; with a mask, inpainting; with a depth map, for models that take one. As in
/// diffusers' Img2Img, Inpaint and Depth2Img pipelines, with and without control networks.
/// </summary>
public sealed record ImageInput
{
    /// <summary>Starts from an image.</summary>
    /// <param name="image">The image; stretched to the generated size if it differs (Pillow's LANCZOS), alpha is dropped.</param>
    public ImageInput(ImageBuffer image)
    {
        ArgumentNullException.ThrowIfNull(image);
        Image = image;
    }

    /// <summary>Starts from an image given as values, where 8 bits are too coarse.</summary>
    /// <param name="image">The image, [1, 3, H, W] from 0 to 1, exactly of the generated size.</param>
    public ImageInput(TensorData image)
    {
        ArgumentNullException.ThrowIfNull(image);
        Tensor = image;
    }

    /// <summary>The image; null if it is given as values.</summary>
    public ImageBuffer? Image { get; }

    /// <summary>The image as values, [1, 3, H, W] from 0 to 1; null if it is given as an image.</summary>
    public TensorData? Tensor { get; }

    /// <summary>
    /// Strength: how much the image is changed, 0 to 1. It is the share of the steps that run, starting from the image with as much noise.
    /// 1 leaves almost nothing of it.
    /// </summary>
    /// <value>Null: 0.8, or 1 with a mask.</value>
    public double? Strength { get; init; }

    /// <summary>
    /// The mask: white (128 or more) is regenerated, the rest is kept; stretched as the image is. Transparent parts are not painted: they
    /// are kept, and the result has a warning. An inpainting model (SD1's has nine input channels) requires a mask; with any other model,
    /// the kept part is restored after each step.
    /// </summary>
    /// <value>Null: the whole image is regenerated.</value>
    public ImageBuffer? Mask { get; init; }

    /// <summary>
    /// The depths, larger is nearer, in any unit: required by models with a depth channel (SD2's).
    /// </summary>
    /// <value>Null.</value>
    public FloatMap? Depth { get; init; }

    internal int Width => Tensor?.Shape[^1] ?? Image!.Width;

    internal int Height => Tensor?.Shape[^2] ?? Image!.Height;

    internal double StrengthOrDefault => Strength ?? DefaultStrength(Mask is not null);

    /// <summary>The strength, or its default.</summary>
    internal static double DefaultStrength(bool hasMask) => hasMask ? 1 : 0.8;

    /// <summary>A warning about the mask, or null: programs differ in how they treat transparent parts of a mask.</summary>
    internal string? MaskWarning => Mask is { IsOpaque: false }
        ? "The mask has transparent parts: these are not painted, so the image stays there."
        : null;

    /// <summary>Checks the values that do not depend on the model.</summary>
    /// <returns>The first problem found: a value outside its range. Null if there is none.</returns>
    internal string? Validate()
    {
        if (Strength is not (null or (>= 0 and <= 1)))
            return $"Strength is {Strength}, expected 0 to 1.";
        return Tensor is { } tensor && tensor.Shape is not [1, 3, _, _]
            ? $"The initial image is {tensor}, expected [1, 3, height, width]."
            : null;
    }
}
