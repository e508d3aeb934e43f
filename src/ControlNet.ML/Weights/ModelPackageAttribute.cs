namespace ControlNet.ML.Weights;

/// <summary>Names a model that an assembly's package contains.</summary>
/// <param name="name">The name it is loaded by.</param>
/// <param name="folder">
/// Its folder, relative to the application, to the assembly or to the package's root; path segments separated by slashes.
/// </param>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
public sealed class ModelPackageAttribute(string name, string folder) : Attribute
{
    /// <summary>The name it is loaded by.</summary>
    public string Name { get; } = name;

    /// <summary>Its folder.</summary>
    public string Folder { get; } = folder;
}
