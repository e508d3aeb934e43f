namespace ControlNet.ML.Notebooks;

/// <summary>
/// Says which class shows objects of a type in .NET notebooks, which look for an attribute of this name and so need no package of theirs here.
/// </summary>
/// <param name="formatterSourceType">A class with a method CreateTypeFormatters.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class TypeFormatterSourceAttribute(Type formatterSourceType) : Attribute
{
    /// <summary>The class.</summary>
    public Type FormatterSourceType { get; } = formatterSourceType;

    /// <summary>The forms that are shown first.</summary>
    public string[] PreferredMimeTypes { get; set; } = [];
}
