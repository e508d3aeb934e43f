using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Components;

/// <summary>Latents as vectors, [C, h, w].</summary>
/// <remarks>
/// In a schema shape, ML.NET drops a vector's dimensions but keeps an image's size. So a column of latents carries its h and w as the type
/// of an annotation: that gives the size of the images decoded from it before there are data.
/// </remarks>
internal static class Latents
{
    private const string GridName = "Grid";

    /// <summary>The vector type of the latents of images of a size in pixels.</summary>
    public static VectorDataViewType Type(DiffusionModel model, int width, int height)
    {
        var scale = model.Folder.Autoencoder.ScaleFactor;
        return new VectorDataViewType(NumberDataViewType.Single, model.Folder.Autoencoder.LatentChannels, height / scale, width / scale);
    }

    /// <summary>The annotations of a column of latents.</summary>
    /// <param name="type">The column's type.</param>
    /// <param name="title">The model's title.</param>
    public static DataViewSchema.Annotations Annotations(VectorDataViewType type, string title)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(VectorContent.Of($"latents of {title}"), _ => true);

        // The annotation's type carries the size; its value is null.
        annotations.Add(GridName, new ImageDataViewType(type.Dimensions[1], type.Dimensions[2]), (ref MLImage value) => value = null!);
        return annotations.ToAnnotations();
    }

    /// <summary>The h and w of a column, if it carries them.</summary>
    public static (int Height, int Width)? Grid(SchemaShape.Column column)
    {
        foreach (var annotation in column.Annotations)
        {
            if (annotation.Name == GridName && annotation.ItemType is ImageDataViewType { Height: > 0 } grid)
                return (grid.Height, grid.Width);
        }

        return null;
    }
}
