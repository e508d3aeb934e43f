namespace ControlNet.ML.Cli;

/// <summary>
/// Protects a command's input: before any work, every file that it will write is compared with every file that it reads. Files are
/// compared, not names: links and other spellings lead to the same file. Any other regular file may be overwritten.
/// </summary>
internal static class InputFiles
{
    /// <summary>The role of a command's only input.</summary>
    public const string Read = "the input file";

    /// <summary>
    /// Throws if a command would overwrite its input, or something that is not a regular file: a folder, a pipe, a device.
    /// </summary>
    /// <param name="outputs">All files that the command will write.</param>
    /// <param name="inputs">All files that it reads, null for one that is not given, and the role of each.</param>
    /// <exception cref="UsageException">An output is also an input, or not a regular file.</exception>
    public static void Keep(IEnumerable<string> outputs, params IEnumerable<(string? File, string What)> inputs)
    {
        var read = inputs.Where(input => input.File is not null)
            .Select(input => (input.File, input.What, FileStatus.Of(input.File!)?.Identity)).ToList();
        foreach (var output in outputs)
        {
            if (FileStatus.Of(output) is not { } there)
                continue;
            if (there.Kind is not FileKind.Regular)
            {
                var kind = there.Kind == FileKind.Folder ? "a folder" : "a pipe, a socket or a device";
                throw new UsageException($"The output {Message.Name(output)} is {kind}, expected a new or regular file.");
            }

            if (read.Find(input => input.Identity == there.Identity) is { File: { } file } input)
            {
                var other = output == file ? "" : $", {Message.Name(file)}";
                throw new UsageException($"The output {Message.Name(output)} would overwrite {input.What}{other}: name another file.");
            }
        }
    }

    /// <summary>The files that settings name, such as <c>model=FILE</c>.</summary>
    public static IEnumerable<(string? File, string What)> OfSettings(IEnumerable<string> settings) => settings
        .Select(setting => ((string?)setting[(setting.IndexOf('=', StringComparison.Ordinal) + 1)..], "the file of --set"))
        .Where(input => File.Exists(input.Item1));
}
