namespace ControlNet.ML.Cli;

/// <summary>What --output says: a file, or a folder into which a command writes under the name that it derives.</summary>
internal static class OutputName
{
    /// <summary>The folder that is named: one that is there, or any name that ends as a folder's; null for a file or nothing.</summary>
    public static string? Folder(string? output) =>
        output is { Length: > 0 } && (Path.EndsInDirectorySeparator(output) || Directory.Exists(output)) ? output : null;

    /// <summary>The file to write.</summary>
    /// <param name="output">What was said, or null.</param>
    /// <param name="derived">The file's name where none is said.</param>
    public static string File(string? output, string derived) => Folder(output) is { } folder ? Path.Combine(folder, Path.GetFileName(derived)) : output ?? derived;
}
