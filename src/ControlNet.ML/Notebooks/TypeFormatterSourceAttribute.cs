namespace ControlNet.ML.Notebooks;

/// <summary>
/// Names the class that formats objects of a type in .NET notebooks, which look for an attribute of this name, so that this library needs
/// no notebook package.
/// </summary>
/// <param name="formatterSourceType">A class with a method CreateTypeFormatters.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class TypeFormatterSourceAttribute(Type formatterSourceType) : Attribute
{
    /// <summary>The class.</summary>
    public Type FormatterSourceType { get; } = formatterSourceType;

    /// <summary>The preferred MIME types.</summary>
    public string[] PreferredMimeTypes { get; set; } = [];
}
