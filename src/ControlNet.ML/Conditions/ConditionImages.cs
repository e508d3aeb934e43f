using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Conditions as inputs of the networks.</summary>
public static class ConditionImages
{
    /// <summary>
    /// A condition at the size of the image to generate; other sizes are resized as in diffusers (Pillow's LANCZOS, stretched).
    /// Grey is repeated to three channels, alpha is dropped. To keep a map's shape or its one-pixel edges, fit it with
    /// <see cref="MapFit"/> first.
    /// </summary>
    /// <param name="condition">1, 3 or 4 channels.</param>
    /// <param name="width">Columns of the image, a multiple of 8.</param>
    /// <param name="height">Rows of the image, a multiple of 8.</param>
    /// <returns>[1, 3, height, width], 0 to 1.</returns>
    /// <exception cref="ControlNetException">A side is not a multiple of 8.</exception>
    public static TensorData ToTensor(ImageBuffer condition, int width, int height) =>
        TensorImages.ToUnit(TensorImages.Prepare(condition, width, height));
}
