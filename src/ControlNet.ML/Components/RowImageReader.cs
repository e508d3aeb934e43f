using ControlNet.ML.Imaging;

namespace ControlNet.ML.Components;

/// <summary>Reads the image that a row begins from, where the options name a column of them.</summary>
/// <param name="options">Which columns.</param>
/// <param name="inputs">Gets the columns to read.</param>
internal sealed class RowImageReader(GenerateComponentOptions options, InputColumns inputs)
{
    private readonly int? _image = inputs.Add(options.ImageColumn, InputColumn.Image);
    private readonly int? _mask = inputs.Add(options.MaskColumn, InputColumn.Image);
    private readonly int? _depth = inputs.Add(options.DepthColumn, InputColumn.ImageOrFile);
    private readonly int? _strength = inputs.Add(options.StrengthColumn, InputColumn.Number);

    /// <summary>Reads a row.</summary>
    /// <returns>The image, its mask, depths and strength; null where rows begin from noise.</returns>
    /// <exception cref="ControlNetException">There is no image, mask or depth map, or the strength is out of its range.</exception>
    public ImageInput? Read(RowBatch batch, int row)
    {
        if (_image is not { } column)
            return null;
        var input = new ImageInput(batch.Image(column, row).ToImageBuffer())
        {
            Mask = _mask is { } mask ? batch.Image(mask, row).ToImageBuffer() : null,
            Depth = _depth is { } depth ? FloatMap.OfDeep(batch.ImageOrFile(depth, row)) : null,
            Strength = _strength is { } strength ? Wishes.Number(batch, strength, row) : options.Strength,
        };
        Wishes.Check(input.Validate);
        if (input.MaskWarning is { } warning)
            batch.Warn(row, warning);
        return input;
    }
}
