namespace ControlNet.ML.Weights;

/// <summary>Says what a file or folder is that is not the model or control network that was expected there.</summary>
internal static class ForeignModel
{
    /// <summary>What it is, as a predicate: <c>is a base checkpoint</c>; null if it is not recognised.</summary>
    /// <param name="path">A file or folder.</param>
    public static string? Describe(string path) => Directory.Exists(path) ? OfFolder(path) : OfFile(path);

    private static string? OfFile(string path)
    {
        try
        {
            using var stream = RegularFile.Open(path, path, bufferSize: 1);
            var start = new byte[ForeignFile.StartLength];
            var count = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            return Contents(path) is { } kind ? $"is {kind.Words}" : ForeignFile.Recognise(start.AsSpan(0, count));
        }
        catch (Exception error) when (error is ControlNetException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static WeightKind? Contents(string path)
    {
        try
        {
            using var file = TensorFile.Open(path);
            return WeightKind.Recognise(file);
        }
        catch (ControlNetException)
        {
            return null;
        }
    }

    /// <summary>The same for a folder of the hub's cache only.</summary>
    /// <param name="path">A folder.</param>
    public static string? DescribeCache(string path)
    {
        try
        {
            if (Snapshot(path) is { } snapshot)
                return $"is the root of a hub cache: use {Message.Name(Path.Combine(path, snapshot))}";
            foreach (var model in Directory.EnumerateDirectories(path).Order(StringComparer.Ordinal))
            {
                if (Snapshot(model) is { } inside)
                    return "is the hub's cache of several models: use one of them, for instance "
                        + Message.Name(Path.Combine(model, inside));
            }

            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? OfFolder(string path)
    {
        if (DescribeCache(path) is { } cache)
            return cache;
        try
        {
            if (File.Exists(Path.Combine(path, "model_index.json")))
                return "is the folder of a base model (it has a model_index.json)";
            return WeightFiles(path) is [var file] && Contents(file) is { } kind
                ? $"holds {Message.Name(Path.GetFileName(file))}, {kind.Words}"
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The weight files in a folder, by name.</summary>
    public static IReadOnlyList<string> WeightFiles(string folder) =>
        [.. Directory.EnumerateFiles(folder)
            .Where(WeightEndings.AreOf)
            .Order(StringComparer.Ordinal)];

    /// <summary>
    /// The snapshot to use of a model in the hub's cache, relative to its folder: that of <c>refs/main</c>, else the last by name; null if
    /// the folder is none, which has <c>blobs</c> or <c>refs</c> beside <c>snapshots</c>.
    /// </summary>
    private static string? Snapshot(string folder)
    {
        var snapshots = Path.Combine(folder, "snapshots");
        if (!Directory.Exists(snapshots)
            || (!Directory.Exists(Path.Combine(folder, "blobs")) && !Directory.Exists(Path.Combine(folder, "refs"))))
            return null;
        var names = Directory.EnumerateDirectories(snapshots).Select(Path.GetFileName).Order(StringComparer.Ordinal).ToList();
        var main = Path.Combine(folder, "refs", "main");
        var wanted = File.Exists(main) && new FileInfo(main).Length <= 1024 ? File.ReadAllText(main).Trim() : null;
        return (names.Find(name => name == wanted) ?? names.LastOrDefault()) is { } commit ? $"snapshots/{commit}" : null;
    }
}
