using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Components;

/// <summary>Latents as vectors, [C, h, w].</summary>
/// <remarks>
/// Before there are data, ML.NET's chains know of a vector that it is one, and not its dimensions; but of an image its size. So a column of
/// latents carries its h and w as the type of an annotation: then the size of the images that will be decoded of it is known in advance.
/// </remarks>
internal static class Latents
{
    private const string GridName = "Grid";

    /// <summary>The type of those for images of a size.</summary>
    public static VectorDataViewType Type(DiffusionModel model, int width, int height)
    {
        var scale = model.Folder.Autoencoder.ScaleFactor;
        return new VectorDataViewType(NumberDataViewType.Single, model.Folder.Autoencoder.LatentChannels, height / scale, width / scale);
    }

    /// <summary>What is to be known of a column of them.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="title">What the model is called.</param>
    public static DataViewSchema.Annotations Annotations(VectorDataViewType type, string title)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(VectorContent.Of($"latents of {title}"), _ => true);

        // A type without a value.
        annotations.Add(GridName, new ImageDataViewType(type.Dimensions[1], type.Dimensions[2]), (ref MLImage value) => value = null!);
        return annotations.ToAnnotations();
    }

    /// <summary>The h and w of a column, where it says them.</summary>
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
