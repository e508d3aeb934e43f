using System.Reflection;

namespace ControlNet.ML.Internal;

/// <summary>An assembly that an application may or may not reference.</summary>
internal static class OptionalAssembly
{
    /// <summary>The assembly, or null if it is not there. Only names that are written in this library are ever asked for.</summary>
    /// <param name="name">Its simple name.</param>
    public static Assembly? TryLoad(string name)
    {
        try
        {
            return AppDomain.CurrentDomain.GetAssemblies().FirstOrDefault(a => a.GetName().Name == name) ?? Assembly.Load(name);
        }
        catch (Exception e) when (e is FileNotFoundException or FileLoadException or BadImageFormatException)
        {
            return null;
        }
    }
}
