using ControlNet.ML.Imaging;
using ControlNet.ML.Rows;

namespace ControlNet.ML.Components;

/// <summary>The ML.NET columns with the rows' initial images, masks and depths, if the options name them.</summary>
/// <param name="options">The options.</param>
/// <param name="inputs">Receives the columns to read.</param>
internal sealed class RowImages(GenerateComponentOptions options, InputColumns inputs)
{
    private readonly int? _image = inputs.Add(options.ImageColumn, InputColumn.Image);
    private readonly int? _mask = inputs.Add(options.MaskColumn, InputColumn.Image);
    private readonly int? _depth = inputs.Add(options.DepthColumn, InputColumn.ImageOrFile);

    /// <summary>Reads a row.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="row">The row's index.</param>
    /// <param name="values">The row's settings.</param>
    /// <returns>The image, its mask, depths and strength; null for rows that start from noise.</returns>
    /// <exception cref="ControlNetException">There is no image, mask or depth map, or the strength is outside its range.</exception>
    public ImageInput? Read(RowBatch batch, int row, IRowValues values) => _image is not { } image
        ? null
        : new ImageInput(batch.Image(image, row).ToImageBuffer())
        {
            Mask = _mask is { } mask ? batch.Image(mask, row).ToImageBuffer() : null,
            Depth = _depth is { } depth ? FloatMap.OfDeep(batch.ImageOrFile(depth, row)) : null,
            Strength = RowReader.Strength(values, options.Strength),
        };
}
