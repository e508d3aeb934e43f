namespace ControlNet.ML.Cli;

/// <summary>The value of --output: a file, or a folder in which the command writes under its default name.</summary>
internal static class OutputName
{
    /// <summary>The option of the commands whose output is the folder of a run.</summary>
    public static RenamedOption<string> RunFolder()
    {
        var option = new RenamedOption<string>("--output", "--out")
        {
            Description = "The run's folder; the same command resumes the run.",
            HelpName = "folder",
            Required = true,
        };
        option.Aliases.Add("-o");
        return option;
    }

    /// <summary>The folder: one that exists, or any name that ends in a separator; null for a file or no value.</summary>
    public static string? Folder(string? output) =>
        output is { Length: > 0 } && (Path.EndsInDirectorySeparator(output) || Directory.Exists(output)) ? output : null;

    /// <summary>The file to write.</summary>
    /// <param name="output">The value, or null.</param>
    /// <param name="derived">The default name.</param>
    public static string File(string? output, string derived) =>
        Folder(output) is { } folder ? Path.Combine(folder, Path.GetFileName(derived)) : output ?? derived;
}
