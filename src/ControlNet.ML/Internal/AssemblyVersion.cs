using System.Reflection;

namespace ControlNet.ML.Internal;

/// <summary>Versions as packages carry them.</summary>
internal static class AssemblyVersion
{
    /// <summary>An assembly's version without the commit that is built into it, <c>0.1.0</c>.</summary>
    public static string Of(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
        ?? assembly.GetName().Version?.ToString()
        ?? "unknown";
}
