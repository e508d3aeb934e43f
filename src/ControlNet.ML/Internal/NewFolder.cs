namespace ControlNet.ML.Internal;

/// <summary>Writes a folder of several files, which appears under its name only when it is complete.</summary>
internal static class NewFolder
{
    /// <summary>
    /// Fills a folder under a temporary name beside its own, and renames it; after a failure or cancellation nothing is left.
    /// </summary>
    /// <param name="folder">The folder, which must not exist yet, or be empty.</param>
    /// <param name="fill">Writes the files into the folder whose path it receives.</param>
    /// <exception cref="ControlNetException">It exists already, or cannot be written.</exception>
    public static void Write(string folder, Action<string> fill)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (Path.Exists(target) && !(Directory.Exists(target) && !Directory.EnumerateFileSystemEntries(target).Any()))
            throw new ControlNetException($"{folder}: exists already, expected the name of a new folder.");
        var parent = Path.GetDirectoryName(target)!;
        try
        {
            Directory.CreateDirectory(parent);
            var temporary = Path.Combine(parent, $".{Path.GetFileName(target)}.{Path.GetRandomFileName()}.part");
            try
            {
                Directory.CreateDirectory(temporary);
                fill(temporary);
                if (Directory.Exists(target))
                    Directory.Delete(target);
                Directory.Move(temporary, target);
            }
            finally
            {
                if (Directory.Exists(temporary))
                    Directory.Delete(temporary, recursive: true);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"{folder}: cannot be written: {error.Message}", error);
        }
    }
}
