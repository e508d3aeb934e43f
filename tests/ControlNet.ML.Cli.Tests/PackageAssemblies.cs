using System.Reflection;
using Microsoft.CodeAnalysis;

namespace ControlNet.ML.Cli.Tests;

/// <summary>
/// What a file that names its packages can see: the framework, and the assemblies of those packages with all that they reference. Nothing
/// else, although the tests' own process has more.
/// </summary>
internal static class PackageAssemblies
{
    private static readonly string Framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;

    public static IEnumerable<MetadataReference> Of(IEnumerable<string> packages)
    {
        var files = new Dictionary<string, string>();
        foreach (var package in packages)
            Add(package, files);
        var framework = Directory.EnumerateFiles(Framework, "*.dll").Where(file => IsManaged(file) && !files.ContainsKey(Path.GetFileNameWithoutExtension(file)));
        return files.Values.Concat(framework).Select(file => MetadataReference.CreateFromFile(file));
    }

    private static void Add(string name, Dictionary<string, string> files)
    {
        // A package without an assembly of its name has native libraries only.
        var file = Path.Combine(AppContext.BaseDirectory, name + ".dll");
        if (!File.Exists(file) || !files.TryAdd(name, file))
            return;
        foreach (var reference in Assembly.LoadFrom(file).GetReferencedAssemblies())
            Add(reference.Name!, files);
    }

    private static bool IsManaged(string file)
    {
        try
        {
            return AssemblyName.GetAssemblyName(file) is not null;
        }
        catch (BadImageFormatException)
        {
            return false;
        }
    }
}
