namespace System.Runtime.CompilerServices;

/// <summary>Known to the runtime by its name: this assembly may use what is internal in the one named.</summary>
/// <param name="assemblyName">The assembly's simple name.</param>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
{
    /// <summary>The assembly's simple name.</summary>
    public string AssemblyName { get; } = assemblyName;
}
