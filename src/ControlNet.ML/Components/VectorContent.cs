using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>What the numbers of a vector column are, for those who look at the column's annotations.</summary>
internal static class VectorContent
{
    /// <summary>
    /// What a model or network is called in them: an embedded one by its name, another by its folder's or file's, so that a saved component says
    /// the same wherever it is loaded.
    /// </summary>
    /// <param name="name">The name that it was loaded by, maybe on another system.</param>
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
