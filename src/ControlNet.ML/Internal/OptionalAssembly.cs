using System.Reflection;

namespace ControlNet.ML.Internal;

/// <summary>An assembly that an application may or may not reference.</summary>
internal static class OptionalAssembly
{
    /// <summary>Loads the assembly; null if it does not exist. Only names that are hard-coded in this library are ever loaded.</summary>
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
