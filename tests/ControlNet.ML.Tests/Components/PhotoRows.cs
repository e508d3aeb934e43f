using ControlNet.ML.Components;
using ControlNet.ML.Imaging;
using ControlNet.ML.Tests.Imaging;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Tests.Components;

internal sealed class PhotoRow
{
    public int Id { get; set; }

    [ImageType(Photos.Height, Photos.Width)]
    public MLImage? Photo { get; set; }
}

internal sealed class ConditionRow
{
    public int Id { get; set; }

    [ImageType(Photos.Height, Photos.Width)]
    public MLImage? Condition { get; set; }

    public string Error { get; set; } = "";
}

/// <summary>Small photos of one size, some with transparent parts.</summary>
internal static class Photos
{
    public const int Width = 31;
    public const int Height = 23;

    public static ImageBuffer Buffer(int id) => ImageSamples.Noise(Width, Height, id % 3 == 2 ? 4 : 3, levels: 6, seed: id);

    /// <summary>What is left of a photo on its way through an MLImage.</summary>
    public static ImageBuffer AsRead(int id)
    {
        using var image = Buffer(id).ToMLImage();
        return image.ToImageBuffer();
    }

    public static PhotoRow Row(int id) => new() { Id = id, Photo = Buffer(id).ToMLImage() };

    public static PhotoRow[] Rows(int count) => [.. Enumerable.Range(0, count).Select(Row)];
}
