namespace ControlNet.ML.Cli;

/// <summary>The photos that a command line names: files, and folders of images.</summary>
internal static class PhotoFiles
{
    /// <summary>The extensions of images, as the codec reads them.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"];

    /// <summary>The files, in the order of the command line; those of a folder by name, without its subfolders.</summary>
    /// <param name="names">Files and folders.</param>
    /// <exception cref="ControlNetException">A folder has no images, or cannot be read.</exception>
    public static IReadOnlyList<string> Find(IEnumerable<string> names) =>
        [.. names.SelectMany(name => Directory.Exists(name) ? OfFolder(name) : [name])];

    /// <summary>The images of a folder by name, without the extension.</summary>
    /// <exception cref="ControlNetException">The folder has no images, cannot be read, or has two of one name.</exception>
    public static IReadOnlyDictionary<string, string> ByName(string folder)
    {
        Dictionary<string, string> images = new(StringComparer.Ordinal);
        foreach (var file in OfFolder(folder))
        {
            var name = Path.GetFileNameWithoutExtension(file);
            if (!images.TryAdd(name, file))
                throw new ControlNetException(
                    $"The folder {Message.Name(folder)} has {Message.Name(Path.GetFileName(images[name]))} and "
                        + $"{Message.Name(Path.GetFileName(file))}, expected one image of a name.");
        }

        return images;
    }

    private static string[] OfFolder(string folder)
    {
        try
        {
            string[] files =
            [
                .. Directory.EnumerateFiles(folder)
                    .Where(file => Extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))
                    .Order(StringComparer.Ordinal),
            ];
            return files.Length > 0
                ? files
                : throw new ControlNetException(
                    $"The folder {Message.Name(folder)} has no images, expected {Message.Choices(Extensions)}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"The folder {Message.Name(folder)} cannot be read: {e.Message}", e);
        }
    }
}
