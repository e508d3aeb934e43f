using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace ControlNet.ML.Weights;

/// <summary>
/// Models in packages: an assembly with a <see cref="ModelPackageAttribute"/> and a folder of files. No registration: the model
/// <c>line-art</c> is searched in the loaded assemblies, then in one named <c>ControlNet.ML.LineArt</c>, so a package reference is enough
/// in programs, tests and notebooks.
/// </summary>
public static partial class ModelPackages
{
    private const string Prefix = "ControlNet.ML.";

    /// <summary>The names of the models whose files exist, in alphabetical order.</summary>
    public static IReadOnlyList<string> Names
    {
        get
        {
            foreach (var assembly in ReferencedAssemblies())
                TryLoad(assembly);
            return
            [
                .. Loaded()
                    .Where(package => Candidates(package).Any(Directory.Exists))
                    .Select(package => package.Model.Name)
                    .Distinct()
                    .Order(StringComparer.Ordinal),
            ];
        }
    }

    /// <summary>The folder of a packaged model.</summary>
    /// <param name="name">Its name: letters, digits and single hyphens; anything else, such as a path, names no package.</param>
    /// <returns>The full path, or null if there is no such package.</returns>
    /// <exception cref="ControlNetException">The package exists, but its files do not.</exception>
    public static string? FindFolder(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!PlainName().IsMatch(name))
            return null;

        var packages = LoadedOf(name);
        if (packages.Count == 0 && TryLoad(Prefix + Pascal(name)))
            packages = LoadedOf(name);
        if (packages.Count == 0)
            return null;

        var candidates = packages.SelectMany(Candidates).Distinct().ToList();
        return candidates.Find(Directory.Exists) ?? throw new ControlNetException(
            $"The files of the model '{name}' are not in the application's folder: looked for {string.Join(", ", candidates)}. " +
            $"Reference {packages[0].Assembly.GetName().Name} from the application itself, and build it again.");
    }

    private static List<Package> LoadedOf(string name) => [.. Loaded().Where(package => package.Model.Name == name)];

    /// <summary>
    /// The packages among the loaded assemblies. Assemblies that do not reference this one cannot be packages and are skipped.
    /// </summary>
    private static IEnumerable<Package> Loaded()
    {
        var own = typeof(ModelPackages).Assembly.GetName().Name;
        return
            from assembly in AppDomain.CurrentDomain.GetAssemblies()
            where !assembly.IsDynamic && assembly.GetReferencedAssemblies().Any(reference => reference.Name == own)
            from model in assembly.GetCustomAttributes<ModelPackageAttribute>()
            select new Package(assembly, model);
    }

    private static IEnumerable<string> Candidates(Package package)
    {
        var folder = package.Model.Folder;
        yield return Path.GetFullPath(folder, AppContext.BaseDirectory);
        if (Path.GetDirectoryName(package.Assembly.Location) is not { Length: > 0 } library)
            yield break;
        yield return Path.GetFullPath(folder, library);

        // In a NuGet package, the assembly is in lib/FRAMEWORK and the folder at the root, which is what a notebook sees.
        yield return Path.GetFullPath(Path.Combine("..", "..", folder), library);
    }

    /// <summary>The project assemblies that the application was built with, loaded or not; none if the host does not list them.</summary>
    private static IEnumerable<string> ReferencedAssemblies() =>
        (AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") as string ?? "")
            .Split(Path.PathSeparator)
            .Where(path => path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase))
            .Select(path => Path.GetFileNameWithoutExtension(path))
            .Where(assembly => assembly.StartsWith(Prefix, StringComparison.Ordinal));

    private static bool TryLoad(string assembly)
    {
        try
        {
            Assembly.Load(assembly);
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or FileLoadException or BadImageFormatException)
        {
            // The application does not reference it.
            return false;
        }
    }

    /// <summary><c>line-art</c> as an assembly spells it, <c>LineArt</c>.</summary>
    private static string Pascal(string name) =>
        string.Concat(name.Split('-').Select(word => char.ToUpper(word[0], CultureInfo.InvariantCulture) + word[1..]));

    [GeneratedRegex(@"\A[A-Za-z0-9]+(-[A-Za-z0-9]+)*\z")]
    private static partial Regex PlainName();

    private sealed record Package(Assembly Assembly, ModelPackageAttribute Model);
}
