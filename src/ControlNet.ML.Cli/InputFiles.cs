namespace ControlNet.ML.Cli;

/// <summary>
/// What a command reads stays as it is: before any work, every file that will be written is compared with every one that is read. Files are
/// compared, not names: links and other spellings lead to the same one. What a command writes may otherwise replace any regular file that is there.
/// </summary>
internal static class InputFiles
{
    /// <summary>What the only input of a command is to it.</summary>
    public const string Read = "the file that is read";

    /// <summary>Throws if a command would write over what it reads, or over what is no file: a folder, a pipe, a device.</summary>
    /// <param name="outputs">All files that it will write.</param>
    /// <param name="inputs">All files that it reads, null for one that is not named; and what they are to it.</param>
    /// <exception cref="UsageException">One is both, or no file.</exception>
    public static void Keep(IEnumerable<string> outputs, params IEnumerable<(string? File, string What)> inputs)
    {
        var read = inputs.Where(input => input.File is not null).Select(input => (input.File, input.What, FileStatus.Of(input.File!)?.Identity)).ToList();
        foreach (var output in outputs)
        {
            if (FileStatus.Of(output) is not { } there)
                continue;
            if (there.Kind is not FileKind.Regular)
                throw new UsageException($"{Message.Name(output)} would be written, and is {(there.Kind == FileKind.Folder ? "a folder" : "a pipe, a socket or a device")}: name another file.");
            if (read.Find(input => input.Identity == there.Identity) is { File: { } file } input)
                throw new UsageException($"{Message.Name(output)} would be written, and is {input.What}{(output == file ? "" : $", {Message.Name(file)}")}: name another file.");
        }
    }

    /// <summary>The files that settings name, <c>model=FILE</c>.</summary>
    public static IEnumerable<(string? File, string What)> OfSettings(IEnumerable<string> settings) =>
        settings.Select(setting => ((string?)setting[(setting.IndexOf('=', StringComparison.Ordinal) + 1)..], "what --set names")).Where(input => File.Exists(input.Item1));
}
