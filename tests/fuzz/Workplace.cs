namespace ControlNet.ML.Fuzz;

/// <summary>A temporary folder for readers that take names of files, and the fixtures that inputs begin from.</summary>
internal sealed class Workplace : IDisposable
{
    /// <summary>In memory where the system has a place for that: readers that take files wait for the disk otherwise.</summary>
    private const string Memory = "/dev/shm";

    private readonly string _root = Directory.CreateDirectory(Path.Combine(
        Directory.Exists(Memory) ? Memory : Path.GetTempPath(), $"controlnet-fuzz-{Path.GetRandomFileName()}")).FullName;

    /// <summary>The checkout's root.</summary>
    public static string Checkout { get; } = FindCheckout();

    /// <summary>Writes a file.</summary>
    /// <returns>Its path.</returns>
    public string Write(string name, ReadOnlySpan<byte> content)
    {
        var path = Path.Combine(_root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return path;
    }

    /// <summary>A path in the folder.</summary>
    public string At(string name) => Path.Combine(_root, name);

    /// <summary>An empty folder.</summary>
    public string Fresh(string name)
    {
        var path = At(name);
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
        Directory.CreateDirectory(path);
        return path;
    }

    /// <summary>Copies a folder with all that is in it.</summary>
    public string Copy(string source, string name)
    {
        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
            Write(Path.Combine(name, Path.GetRelativePath(source, file)), File.ReadAllBytes(file));
        return At(name);
    }

    /// <summary>A file of the fixtures.</summary>
    public static byte[] Fixture(params ReadOnlySpan<string> parts) => File.ReadAllBytes(FixturePath(parts));

    /// <summary>The path of a fixture.</summary>
    public static string FixturePath(params ReadOnlySpan<string> parts) => Path.Combine([Checkout, "tests", "fixtures", .. parts]);

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static string FindCheckout()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ControlNet.ML.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException($"No ControlNet.ML.sln in or above {AppContext.BaseDirectory}.");
        return folder;
    }
}
