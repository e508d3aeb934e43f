using System.Reflection;
using System.Text.Json;
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
            AssembliesOf(package).ForEach(name => Add(name, files));
        var framework = Directory.EnumerateFiles(Framework, "*.dll").Where(file => IsManaged(file) && !files.ContainsKey(Path.GetFileNameWithoutExtension(file)));
        return files.Values.Concat(framework).Select(file => MetadataReference.CreateFromFile(file));
    }

    /// <summary>The assemblies of a package, of which some have other names than their package (OxyPlot.Core has OxyPlot.dll).</summary>
    private static List<string> AssembliesOf(string package)
    {
        using var dependencies = JsonDocument.Parse(File.ReadAllBytes(Path.ChangeExtension(typeof(PackageAssemblies).Assembly.Location, ".deps.json")));
        return
        [
            .. dependencies.RootElement.GetProperty("targets").EnumerateObject().SelectMany(target => target.Value.EnumerateObject())
                .Where(library => library.Name.StartsWith(package + "/", StringComparison.OrdinalIgnoreCase) && library.Value.TryGetProperty("runtime", out _))
                .SelectMany(library => library.Value.GetProperty("runtime").EnumerateObject())
                .Select(file => Path.GetFileNameWithoutExtension(file.Name)),
        ];
    }

    private static void Add(string name, Dictionary<string, string> files)
    {
        // The framework's assemblies are elsewhere.
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
