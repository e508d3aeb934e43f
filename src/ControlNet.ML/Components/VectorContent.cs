using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>The annotation that describes the values of a vector column.</summary>
internal static class VectorContent
{
    /// <summary>
    /// A model's or network's title in annotations: an embedded one by its name, any other by the name of its folder or file, so that a
    /// saved component has the same annotations wherever it is loaded.
    /// </summary>
    /// <param name="name">The name that it was loaded by, possibly on another system.</param>
    public static string Title(string name)
    {
        if (Path.Exists(name))
            name = Path.GetFullPath(name);
        return Path.IsPathRooted(name) || name.Contains('\\') ? name.TrimEnd('/', '\\').Split('/', '\\')[^1] : name;
    }

    /// <summary>An annotation <c>Content</c> with a text.</summary>
    public static DataViewSchema.Annotations Of(string content)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add("Content", TextDataViewType.Instance, (ref ReadOnlyMemory<char> value) => value = content.AsMemory());
        return annotations.ToAnnotations();
    }
}
