using System.Reflection;

namespace ControlNet.ML.Weights;

/// <summary>
/// Models that come as packages: an assembly with a <see cref="ModelPackageAttribute"/> and a folder of files. Found without being
/// registered, in programs, tests and notebooks.
/// </summary>
public static class ModelPackages
{
    // What the project itself ships; looked for by assembly name, so that a reference is enough. Others count once they are loaded.
    private static readonly string[] Known = ["ControlNet.ML.Emoji"];

    /// <summary>The names of the models that are there.</summary>
    public static IReadOnlyList<string> Names => [.. Packages().Select(package => package.Attribute.Name).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>The folder of a packaged model.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The full path, or null if no package of this name is there.</returns>
    /// <exception cref="ControlNetException">The package is there, but its files are not.</exception>
    public static string? FindFolder(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var (assembly, attribute) = Packages().FirstOrDefault(package => package.Attribute.Name == name);
        if (attribute is null)
            return null;
        var candidates = Candidates(assembly, attribute.Folder).ToArray();
        return candidates.FirstOrDefault(Directory.Exists) ?? throw new ControlNetException(
            $"The files of the model '{name}' are not beside the application: looked for {string.Join(", ", candidates)}. " +
            $"Reference the package {assembly.GetName().Name} from the application itself, and build again.");
    }

    private static IEnumerable<string> Candidates(Assembly assembly, string folder)
    {
        yield return Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, folder));
        if (Path.GetDirectoryName(assembly.Location) is not { Length: > 0 } library)
            yield break;
        yield return Path.GetFullPath(Path.Combine(library, folder));

        // In a NuGet package the assembly lies in lib/FRAMEWORK and the folder at the root: how a notebook meets it.
        yield return Path.GetFullPath(Path.Combine(library, "..", "..", folder));
    }

    private static IEnumerable<(Assembly Assembly, ModelPackageAttribute Attribute)> Packages()
    {
        foreach (var name in Known)
            TryLoad(name);
        return AppDomain.CurrentDomain.GetAssemblies()
            .Where(assembly => !assembly.IsDynamic)
            .Select(assembly => (assembly, assembly.GetCustomAttribute<ModelPackageAttribute>()!))
            .Where(package => package.Item2 is not null);
    }

    private static void TryLoad(string name)
    {
        try
        {
            Assembly.Load(name);
        }
        catch (Exception e) when (e is FileNotFoundException or FileLoadException or BadImageFormatException)
        {
            // The application does not reference it.
        }
    }
}
