using System.Reflection;

namespace ControlNet.ML.Internal;

/// <summary>Versions in the form of packages.</summary>
internal static class AssemblyVersion
{
    /// <summary>An assembly's version without its commit suffix, such as <c>0.1.0</c>.</summary>
    public static string Of(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
        ?? assembly.GetName().Version?.ToString()
        ?? "unknown";
}
