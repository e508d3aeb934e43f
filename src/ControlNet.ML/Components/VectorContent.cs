using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>What the numbers of a vector column are, for those who look at the column's annotations.</summary>
internal static class VectorContent
{
    /// <summary>An annotation <c>Content</c> with a text.</summary>
    public static DataViewSchema.Annotations Of(string content)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add("Content", TextDataViewType.Instance, (ref ReadOnlyMemory<char> value) => value = content.AsMemory());
        return annotations.ToAnnotations();
    }
}
